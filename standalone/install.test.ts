import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { explain, whatIsWrong } from './install.mjs'

const root = join(import.meta.dirname, '..')

interface Lock {
  packages: Record<string, { version?: string; integrity?: string; optional?: boolean; dev?: boolean }>
}

/** A checkout with one package installed, and a change to it. */
async function wrongAfter(
  change: (folder: string, lock: Lock) => Promise<void>,
  extent: 'run' | 'all' = 'all',
): Promise<string | undefined> {
  await using folder = await scratchFolder()
  const modules = join(folder.path, 'node_modules')
  await mkdir(join(modules, 'pg'), { recursive: true })
  await mkdir(join(modules, 'node', 'bin'), { recursive: true })
  await symlink(process.execPath, join(modules, 'node', 'bin', 'node'))
  const lock: Lock = {
    packages: {
      '': {},
      'packages/daemon': { version: '0.1.0' },
      'node_modules/pg': { version: '8.0.0', integrity: 'sha512-a' },
      'node_modules/@elsewhere/darwin': { version: '1.0.0', optional: true },
    },
  }
  const { 'node_modules/pg': pg } = lock.packages
  await writeFile(
    join(modules, '.package-lock.json'),
    JSON.stringify({ packages: { 'node_modules/pg': pg } }),
  )
  await writeFile(join(folder.path, 'package-lock.json'), JSON.stringify(lock))
  await change(folder.path, lock)
  return whatIsWrong(folder.path, extent)
}

test('a package that only tests need is missing for them, and not for npm start', async () => {
  const addForTests = (folder: string, lock: Lock) => {
    lock.packages['node_modules/vitest'] = { version: '5.0.0', dev: true }
    return writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock))
  }
  expect(await wrongAfter(addForTests, 'all')).toBe('vitest is missing')
  expect(await wrongAfter(addForTests, 'run')).toBeUndefined()
})

test.each<[string, (folder: string, lock: Lock) => Promise<void>, string | undefined]>([
  ['nothing is wrong', async () => {}, undefined],
  [
    'nothing was installed',
    folder => rm(join(folder, 'node_modules'), { recursive: true }),
    'node_modules is missing',
  ],
  [
    'npm was killed halfway',
    folder => rm(join(folder, 'node_modules', '.package-lock.json')),
    'node_modules is not complete',
  ],
  [
    'the lockfile names another version now',
    (folder, lock) => {
      lock.packages['node_modules/pg'] = { version: '8.0.1', integrity: 'sha512-b' }
      return writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock))
    },
    'pg has changed',
  ],
  [
    'the lockfile names one more package',
    (folder, lock) => {
      lock.packages['node_modules/zod'] = { version: '4.0.0' }
      return writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock))
    },
    'zod is missing',
  ],
  [
    'a package was removed by hand',
    folder => rm(join(folder, 'node_modules', 'pg'), { recursive: true }),
    'pg is missing',
  ],
  [
    'node_modules came from another machine',
    async folder => {
      const node = join(folder, 'node_modules', 'node', 'bin', 'node')
      await rm(node)
      await writeFile(node, 'not for this machine', { mode: 0o755 })
    },
    'the node package does not run on this machine',
  ],
])('%s', async (_name, change, wrong) => {
  expect(await wrongAfter(change)).toBe(wrong)
})

test('this checkout is found installed, so that tests and starts begin at once', () => {
  expect(whatIsWrong(root, 'all')).toBeUndefined()
})

test.each([
  ['no network', 'npm error code ENOTFOUND\nnpm error network request failed', /cannot reach its registry/],
  ['a full disk', 'npm error code ENOSPC', /no space left on the disk of \/here/],
  ['a folder of someone else', 'npm error code EACCES', /may not write in \/here/],
  ['anything else', 'npm error something new', /npm ci failed, see .*npm\.log/],
])('%s is told in one line', async (_name, output, line) => {
  const told = explain(output, '/here')
  expect(told).toMatch(line)
  expect(told.split('\n')).toHaveLength(1)
  const file = /see (.*)$/.exec(told)?.[1]
  if (file) {
    expect(await readFile(file, 'utf8')).toBe(output)
    await rm(join(file, '..'), { recursive: true })
  }
})
