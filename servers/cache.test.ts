import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { cached, cacheFolder, makeCached, tryLock } from './cache.ts'

const quiet = () => {}

test('the cache is where XDG says, or in the home folder', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/c' })).toBe('/c/fairlead')
  expect(cacheFolder({})).toMatch(/\/\.cache\/fairlead$/)
})

test('an entry is made once, also when several want it at the same time', async () => {
  await using folder = await scratchFolder()
  let made = 0
  const make = async (into: string) => {
    made++
    await writeFile(join(into, 'program'), 'x')
  }
  const entries = await Promise.all([1, 2, 3, 4].map(() => makeCached('thing-1', make, quiet, folder.path)))
  expect(made).toBe(1)
  expect(new Set(entries)).toEqual(new Set([join(folder.path, 'thing-1')]))
  expect(await readdir(folder.path)).toEqual(['thing-1'])
})

test('an entry whose making failed or was killed halfway is never taken for complete', async () => {
  await using folder = await scratchFolder()
  const fail = async (into: string) => {
    await writeFile(join(into, 'program'), 'half')
    throw new Error('cut off')
  }
  await expect(makeCached('thing-1', fail, quiet, folder.path)).rejects.toThrow('cut off')
  expect(await cached('thing-1', folder.path)).toBeUndefined()
  const entry = await makeCached(
    'thing-1',
    into => writeFile(join(into, 'program'), 'whole'),
    quiet,
    folder.path,
  )
  expect(await readFile(join(entry, 'program'), 'utf8')).toBe('whole')
})

test.each([
  ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, command: 'node gone' })],
  [
    'a pid that is another program by now',
    JSON.stringify({ pid: process.pid, command: 'node somewhere/else.ts' }),
  ],
])('a lock left by %s is taken over', async (_name, content) => {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'lock')
  await writeFile(path, content)
  expect(await tryLock(path)).toBeUndefined()
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid })
})

test('of several that find a lock left behind, only one takes it over', async () => {
  await using folder = await scratchFolder()
  for (let round = 0; round < 20; round++) {
    const path = join(folder.path, `lock-${round}`)
    await writeFile(path, JSON.stringify({ pid: 2 ** 22 + 1, command: 'node gone' }))
    const holders = await Promise.all(Array.from({ length: 8 }, () => tryLock(path)))
    expect(holders.filter(pid => pid === undefined)).toHaveLength(1)
  }
  expect((await readdir(folder.path)).filter(name => name.includes('removing'))).toEqual([])
})

test('a half that a killed process left is removed', async () => {
  await using folder = await scratchFolder()
  await mkdir(join(folder.path, 'thing-1.partial-old'))
  await writeFile(join(folder.path, 'thing-1.partial-old', 'program'), 'half')
  await makeCached('thing-1', into => writeFile(join(into, 'program'), 'whole'), quiet, folder.path)
  expect(await readdir(folder.path)).toEqual(['thing-1'])
})

test('a lock that is held names its owner', async () => {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'lock')
  expect(await tryLock(path)).toBeUndefined()
  expect(await tryLock(path)).toBe(process.pid)
})
