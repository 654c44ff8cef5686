import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { onPath, type Place, search } from './search.ts'

const empty = (name: string, none: string): Place => ({ name, look: async () => ({ none }) })

test('places are asked in order, and the first that has the program ends the search', async () => {
  const asked: string[] = []
  const place = (name: string, path?: string): Place => ({
    name,
    look: async () => {
      asked.push(name)
      return path ? { path } : { none: 'none' }
    },
  })
  const found = await search('x', [place('PATH'), place('cache', '/c/x'), place('release', '/r/x')], 'get it')
  expect(found).toEqual({ path: '/c/x' })
  expect(asked).toEqual(['PATH', 'cache'])
})

test('when no place has it, one line says why each had not and what to do', async () => {
  const searching = search(
    'nats-server',
    [empty('PATH', 'none'), empty('release', 'no answer')],
    'install it',
  )
  await expect(searching).rejects.toMatchObject({
    code: 'server_missing',
    message: 'no nats-server to run (PATH: none; release: no answer): install it',
  })
})

async function folderWith(folder: string, name: string, version: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, name)
  await writeFile(file, `#!/bin/sh\necho "${version}"\n`)
  await chmod(file, 0o755)
  return file
}

test.each([
  ['newer', 'nats-server: v2.15.1', true],
  ['just new enough', 'nats-server: v2.12.0', true],
  ['too old', 'nats-server: v2.9.25', false],
  ['of a newer major version', 'nats-server: v3.0.0', true],
  ['without a version', 'hello', false],
])('on the PATH, a program that is %s', async (_name, version, usable) => {
  await using folder = await scratchFolder()
  const file = await folderWith(folder.path, 'nats-server', version)
  const found = await onPath(['nats-server'], [2, 12], folder.path).look()
  expect(found).toEqual(
    usable ? { path: file } : { none: expect.stringContaining('2.12 or newer is needed') },
  )
})

test('an old program early in the PATH does not hide a new one behind it', async () => {
  await using folder = await scratchFolder()
  await folderWith(join(folder.path, 'old'), 'redis-server', 'Redis server v=5.0.3')
  const good = await folderWith(join(folder.path, 'new'), 'valkey-server', 'Valkey server v=8.1.0')
  const path = `${join(folder.path, 'old')}:${join(folder.path, 'none')}:${join(folder.path, 'new')}`
  expect(await onPath(['redis-server', 'valkey-server'], [6, 2], path).look()).toEqual({ path: good })
})
