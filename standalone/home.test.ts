import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { keptKeys, keptSecret, openHome, refuseFullDisk } from './home.ts'

test('one process at a time has a home', async () => {
  await using folder = await scratchFolder()
  const home = join(folder.path, 'new', 'home')
  {
    await using _first = await openHome(home)
    await expect(openHome(home)).rejects.toMatchObject({
      code: 'home_locked',
      message: `another Fairlead (pid ${process.pid}) runs on ${home}: stop it, or set FAIRLEAD_HOME to another folder`,
    })
  }
  await using _again = await openHome(home)
})

test('a lock that kill -9 left behind is taken over', async () => {
  await using folder = await scratchFolder()
  await writeFile(
    join(folder.path, 'lock'),
    JSON.stringify({ pid: 2 ** 22 + 7, command: 'node standalone/main.ts' }),
  )
  await using _home = await openHome(folder.path)
  expect(JSON.parse(await readFile(join(folder.path, 'lock'), 'utf8')).pid).toBe(process.pid)
})

test('a home that cannot be made is told in one line', async () => {
  await using folder = await scratchFolder()
  await writeFile(join(folder.path, 'file'), '')
  await expect(openHome(join(folder.path, 'file', 'home'))).rejects.toMatchObject({
    code: 'home_unusable',
    message: expect.stringMatching(/^can't make .*: set FAIRLEAD_HOME to a folder of yours$/),
  })
})

test('a secret is made once, for its owner alone', async () => {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'secret')
  expect(await keptSecret(path, async () => 'first')).toBe('first')
  expect(await keptSecret(path, async () => 'second')).toBe('first')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('encryption keys are 32 bytes with an id, and stay', async () => {
  await using folder = await scratchFolder()
  await mkdir(folder.path, { recursive: true })
  const keys = await keptKeys(folder.path, 'encryption-keys')
  expect(keys).toMatch(/^k1:[A-Za-z0-9+/]{43}=$/)
  expect(await keptKeys(folder.path, 'encryption-keys')).toBe(keys)
})

test('a disk that is nearly full is told before anything is written to it', () => {
  expect(() => refuseFullDisk('/home/a', 2 ** 40)).not.toThrow()
  expect(() => refuseFullDisk('/home/a', 7 * 1024 ** 2)).toThrow(
    'the disk of /home/a has 7 MiB left, 256 are needed: make room, or set FAIRLEAD_HOME to another disk',
  )
})
