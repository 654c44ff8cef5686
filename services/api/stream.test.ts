import { expect, test } from 'vitest'
import { operations } from './operations.ts'
import { openStreams, type Streamed } from './stream.ts'

test('exports that nobody reads are opened without an end, or take the places of live streams', () => {
  const streams = openStreams(15_000)
  const exports = Array.from({ length: 4 }, () => streams.takeExport('acme'))
  expect(() => streams.takeExport('acme')).toThrow('At most 4 exports')
  streams.take('acme')
  streams.takeExport('globex')
  // Given back once, whoever says so again.
  exports[0]![Symbol.dispose]()
  exports[0]![Symbol.dispose]()
  streams.takeExport('acme')
  expect(() => streams.takeExport('acme')).toThrow('At most 4 exports')
})

test('organizations together open exports without an end', () => {
  const streams = openStreams(15_000)
  for (let i = 0; i < 40; i++) streams.takeExport(`organization ${i >> 2}`)
  expect(() => streams.takeExport('another')).toThrow('exports')
})

test('an export takes no place, so that a client opens any number of them', async () => {
  const exports = operations.filter(({ streams }) => streams?.includes('text/csv'))
  expect(exports.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['exportEvents', 'exportCustomers', 'exportPayments']),
  )
  const takeExport = () => {
    throw new Error('no place')
  }
  for (const operation of exports) {
    for (const format of ['ndjson', 'csv']) {
      const call = { query: { format }, takeExport }
      const { chunks } = (await operation.handle(call as never)) as Streamed
      const first = chunks[Symbol.asyncIterator]().next()
      await expect(first, `${operation.name} ${format}`).rejects.toThrow('no place')
    }
  }
})
