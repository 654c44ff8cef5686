import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { openLogFile } from './log-file.ts'

const line = (number: number) => `${String(number).padStart(99, '0')}\n`

test('two files of the newest lines are kept, also over a restart, and none of their lines is lost', async () => {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'fairlead.log')
  for (const start of [0, 12]) {
    const file = openLogFile(path, 1_000)
    for (let number = start; number < start + 12; number++) file.write(line(number))
    file.flushSync()
  }
  expect((await readdir(folder.path)).toSorted()).toEqual(['fairlead.log', 'fairlead.log.1'])
  expect((await stat(`${path}.1`)).size).toBe(1_000)
  const kept = (await readFile(`${path}.1`, 'utf8')) + (await readFile(path, 'utf8'))
  expect(kept).toBe(Array.from({ length: 14 }, (_, i) => line(10 + i)).join(''))
})
