import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crowding } from '@fairlead/testbed/crowding'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startSink } from '@fairlead/testbed/sink'
import { expect, test } from 'vitest'
import { download } from './release.ts'

const body = Buffer.from('a release')
const checksum = createHash('sha256').update(body).digest('hex')
const quiet = () => {}

test('a download whose checksum fits is kept', async () => {
  await using folder = await scratchFolder()
  await using sink = await startSink({ status: 200, body })
  await download(sink.url, checksum, join(folder.path, 'file'), quiet)
  expect(await readFile(join(folder.path, 'file'))).toEqual(body)
})

test('a changed archive is refused', async () => {
  await using folder = await scratchFolder()
  await using sink = await startSink({ status: 200, body: 'another release' })
  await expect(download(sink.url, checksum, join(folder.path, 'file'), quiet)).rejects.toThrow(
    /isn't the pinned/,
  )
})

test('a site that has no such release is left at once', async () => {
  await using folder = await scratchFolder()
  await using sink = await startSink({ status: 404 })
  await expect(download(sink.url, checksum, join(folder.path, 'file'), quiet)).rejects.toThrow('answered 404')
})

test('a site that never answers is left after a while', async () => {
  await using folder = await scratchFolder()
  await using sink = await startSink({ hang: true })
  const startedMs = performance.now()
  await expect(download(sink.url, checksum, join(folder.path, 'file'), quiet)).rejects.toThrow('no answer')
  expect(performance.now() - startedMs).toBeLessThan(20_000 * crowding())
})
