import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { afterEach, expect, test, vi } from 'vitest'
import { buildConsole, consoleFolder } from './console.ts'
import { markUsed, removeOldEntries } from './old-entries.ts'
import { commandOf } from './processes.ts'

afterEach(() => vi.unstubAllEnvs())

const isVersion = /^thing-\d+$/

/** Entries that were used so many hours ago. */
async function makeEntries(folder: string, hoursAgo: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, hours] of Object.entries(hoursAgo)) {
    const entry = join(folder, name)
    await mkdir(entry)
    await writeFile(join(entry, 'program'), 'whole')
    const used = new Date(Date.now() - hours * 3_600_000)
    await utimes(entry, used, used)
  }
}

test('old versions pile up in the cache', async () => {
  await using folder = await scratchFolder()
  const others = { thing: 90, 'thing-1-else': 90, 'other-1': 90 }
  await makeEntries(folder.path, { 'thing-1': 4, 'thing-2': 3, 'thing-3': 1, 'thing-4': 2, ...others })
  await removeOldEntries(isVersion, 2, folder.path)
  expect((await readdir(folder.path)).toSorted()).toEqual(
    [...Object.keys(others), 'thing-3', 'thing-4'].toSorted(),
  )
})

test('the version that was made first goes, though it is the one that is used each day', async () => {
  await using folder = await scratchFolder()
  await makeEntries(folder.path, { 'thing-1': 9, 'thing-2': 2, 'thing-3': 1 })
  await markUsed(join(folder.path, 'thing-1'))
  await removeOldEntries(isVersion, 2, folder.path)
  expect((await readdir(folder.path)).toSorted()).toEqual(['thing-1', 'thing-3'])
})

test('a version goes while a process uses it, or stays for ever after it', async () => {
  await using folder = await scratchFolder()
  await makeEntries(folder.path, { 'thing-1': 9, 'thing-2': 1 })
  const entry = join(folder.path, 'thing-1')
  const module = join(import.meta.dirname, 'old-entries.ts')
  const code = `await (await import(${JSON.stringify(module)})).markUsed(${JSON.stringify(entry)})
    process.once('disconnect', () => process.exit())
    process.send('marked')`
  // Its listener keeps it running for as long as this process does.
  const user = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const gone = once(user, 'exit')
  try {
    await once(user, 'message')
    const old = new Date(Date.now() - 9 * 3_600_000)
    await utimes(entry, old, old)
    await removeOldEntries(isVersion, 1, folder.path)
    expect((await readdir(folder.path)).toSorted()).toEqual(['thing-1', 'thing-2'])
  } finally {
    user.kill('SIGKILL')
  }
  await gone
  await removeOldEntries(isVersion, 1, folder.path)
  expect(await readdir(folder.path)).toEqual(['thing-2'])
})

test('halves and locks of builds that were killed stay for ever, or go while they are made', async () => {
  await using folder = await scratchFolder()
  await makeEntries(folder.path, { 'thing-1.partial-old': 9, 'thing-2.partial-new': 0, 'thing-3': 1 })
  await writeFile(join(folder.path, 'thing-1.lock'), JSON.stringify({ pid: 2 ** 22 + 1, command: 'gone' }))
  const maker = { pid: process.ppid, command: await commandOf(process.ppid) }
  await writeFile(join(folder.path, 'thing-2.lock'), JSON.stringify(maker))
  await removeOldEntries(isVersion, 1, folder.path)
  expect((await readdir(folder.path)).toSorted()).toEqual(['thing-2.lock', 'thing-2.partial-new', 'thing-3'])
})

test('a version that another process removed a moment ago is taken for one that is there', async () => {
  await using folder = await scratchFolder()
  expect(await markUsed(join(folder.path, 'thing-1'))).toBe(false)
  expect(await readdir(folder.path)).toEqual([])
})

const oldPackages = `console-packages-${'a'.repeat(16)}-linux-x64`
const newPackages = `console-packages-${'b'.repeat(16)}-linux-x64`

test('builds of the console pile up, or the one that is served goes', async () => {
  await using folder = await scratchFolder()
  vi.stubEnv('XDG_CACHE_HOME', folder.path)
  const served = dirname(consoleFolder())
  const cache = dirname(served)
  await mkdir(cache)
  const old = Object.fromEntries(
    Array.from({ length: 9 }, (_, at) => [`console-${'0'.repeat(15)}${at}`, at + 1]),
  )
  await makeEntries(cache, {
    [basename(served)]: 99,
    [oldPackages]: 2,
    [newPackages]: 1,
    // A process was killed while it took over a lock.
    [`${oldPackages}.lock.removing`]: 0,
    ...old,
  })
  expect(await buildConsole(() => {})).toBe(consoleFolder())
  expect((await readdir(cache)).toSorted()).toEqual(
    [
      basename(served),
      newPackages,
      `${oldPackages}.lock.removing`,
      ...Object.keys(old).slice(0, 3),
    ].toSorted(),
  )
})

test('a built console is taken for one that failed, because the cache refuses to be tidied', async () => {
  await using folder = await scratchFolder()
  vi.stubEnv('XDG_CACHE_HOME', folder.path)
  const served = dirname(consoleFolder())
  const cache = dirname(served)
  await mkdir(join(served, `used-by-${process.pid}`), { recursive: true })
  // Neither a mark nor a lock can be written where a folder is.
  await makeEntries(cache, { [`${oldPackages}.lock`]: 2, [newPackages]: 1 })
  const said: string[] = []
  expect(await buildConsole(line => said.push(line))).toBe(consoleFolder())
  expect(said).toEqual([
    expect.stringMatching(/^console-[0-9a-f]{16} can't be marked as used in the cache: EISDIR/),
    expect.stringMatching(/^old versions of the console stay in the cache: .*EISDIR/),
  ])
})
