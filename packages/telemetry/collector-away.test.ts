import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { crowding } from '@fairlead/testbed/crowding'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { readTracingEnvironment } from './environment.ts'
import type { Span } from './span.ts'
import { openTracing } from './tracing.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const heapBytes = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

const span = (number: number): Span => ({
  name: 'POST',
  kind: 'client',
  context: { traceId: number.toString(16).padStart(32, '0'), spanId: number.toString(16).padStart(16, '0') },
  startMs: 1_700_000_000_123 + number,
  endMs: 1_700_000_000_125 + number,
  attributes: {
    'fairlead.attempt': number,
    'fairlead.destination': `billing-${number % 50}`,
    'fairlead.event.id': `evt_${number}`,
  },
})

test('a collector that is away for ten minutes of 1,000 spans a second costs no memory beyond the queue, and each span is counted', async () => {
  const registry = new Registry()
  const environment = readTracingEnvironment({
    // A port of a collector that has ended may be another one's by now.
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_BSP_SCHEDULE_DELAY: '5',
  })
  const tracing = await openTracing({ part: 'worker', registry, environment })
  if (!tracing) throw new Error('it is switched off')
  const before = heapBytes()
  const all = 600_000
  let slowestMs = 0
  for (let number = 0; number < all; number += 100) {
    const startMs = performance.now()
    for (let i = 0; i < 100; i++) tracing.keep(span(number + i))
    slowestMs = Math.max(slowestMs, performance.now() - startMs)
    if (number % 10_000 === 0) await setImmediate()
  }
  const grown = heapBytes() - before
  await tracing[Symbol.asyncDispose]()
  const { values } = await registry.getSingleMetric('fairlead_spans_total')!.get()
  const counts = Object.fromEntries(values.map(({ labels, value }) => [String(labels.result), value]))
  console.log(
    `collector away, ${all} spans: ${(grown / 1e6).toFixed(1)} MB more, slowest hundred ${slowestMs.toFixed(1)} ms, ${JSON.stringify(counts)}`,
  )
  expect(grown).toBeLessThan(20e6)
  expect(counts.exported).toBe(0)
  expect(counts.dropped! + counts.failed!).toBe(all)
  // A queue that is searched or copied for each span would take a hundred times that.
  expect(slowestMs).toBeLessThan(2_000 * crowding())
}, 240_000)
