import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { fillCache } from './fill-cache.mjs'

test('the first start compiles everything three times, or each start does again', async () => {
  await using folder = await scratchFolder()
  const cache = join(folder.path, 'cache')
  await fillCache(cache)
  const [version] = await readdir(cache)
  const filled = join(cache, version!)
  // The modules of Fairlead alone are more than that.
  expect((await readdir(filled)).length).toBeGreaterThan(500)
  const { mtimeMs } = await stat(filled)
  await fillCache(cache)
  expect((await stat(filled)).mtimeMs).toBe(mtimeMs)
})

test('a folder that nothing can be written to keeps Fairlead from starting', async () => {
  await using folder = await scratchFolder()
  const file = join(folder.path, 'file')
  await writeFile(file, '')
  await expect(fillCache(join(file, 'cache'))).resolves.toBeUndefined()
})
