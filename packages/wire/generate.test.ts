import { execFile } from 'node:child_process'
import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { documentStoreApi } from './document-proto.ts'

const here = import.meta.dirname

test('the generated code is what the proto files give', async () => {
  await using scratch = await scratchFolder()
  for (const name of ['proto', 'buf.yaml', 'buf.gen.yaml']) {
    await cp(join(here, name), join(scratch.path, name), { recursive: true })
  }
  const env = { ...process.env, PATH: `${join(here, '../../node_modules/.bin')}:${process.env.PATH}` }
  await promisify(execFile)('buf', ['lint'], { cwd: scratch.path, env })
  await promisify(execFile)('buf', ['generate'], { cwd: scratch.path, env })
  expect(await readTree(join(here, 'gen'))).toEqual(await readTree(join(scratch.path, 'gen')))
})

test('the documentation is what the proto files say', async () => {
  const page = await readFile(join(here, '../../docs/store-api.md'), 'utf8')
  expect(page).toBe(await documentStoreApi())
})

async function readTree(folder: string): Promise<Record<string, string>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(entry =>
    entry.isFile(),
  )
  const paths = files.map(entry => join(entry.parentPath, entry.name)).sort()
  const texts = await Promise.all(paths.map(path => readFile(path, 'utf8')))
  return Object.fromEntries(paths.map((path, i) => [path.slice(folder.length), texts[i]!]))
}
