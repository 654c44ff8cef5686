import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { removeWholeBrowsers } from './chromium.ts'
import { scratchFolder } from './scratch.ts'

test('a whole Chromium that earlier checkouts unpacked stays in the cache for ever, or the one in use goes', async () => {
  await using folder = await scratchFolder()
  const used = ['chromium-headless-shell-debian-12-x64', 'chromium-headless-shell-debian-rolling-x64']
  const unused = ['chromium-debian-12-x64', 'chromium-ubuntu-24.04-arm64', 'chromium-debian-rolling-x64']
  for (const name of [...used, ...unused]) await mkdir(join(folder.path, name, 'usr'), { recursive: true })
  await removeWholeBrowsers(folder.path)
  expect((await readdir(folder.path)).toSorted()).toEqual(used)
})
