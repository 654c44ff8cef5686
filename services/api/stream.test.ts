import { expect, test } from 'vitest'
import { openStreams } from './stream.ts'

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
