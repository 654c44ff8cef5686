import { Histogram, type Registry } from 'prom-client'
import { startAtZero } from './metrics.ts'

/** Told of each flight to a stream that was acknowledged: its messages, and how long the first of them waited for that, ms. */
export type Landed = (messages: number, tookMs: number) => void

/** Metrics of a publisher to one stream that takes atomic batches. */
export function openPublishMetrics(registry: Registry, stream: string): Landed {
  const registers = [registry]
  const seconds = startAtZero(
    new Histogram({
      name: 'fairlead_publish_seconds',
      help: 'From the publication of a message to the acknowledgement of JetStream: of the first one of a flight, which may be an atomic batch',
      labelNames: ['stream', 'mode'],
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    { stream: [stream], mode: ['single', 'batch'] },
  )
  const sizes = startAtZero(
    new Histogram({
      name: 'fairlead_publish_batch_messages',
      help: 'Messages of one flight to a stream; more than one are an atomic batch',
      labelNames: ['stream'],
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    }),
    { stream: [stream] },
  ).labels({ stream })
  const single = seconds.labels({ stream, mode: 'single' })
  const batch = seconds.labels({ stream, mode: 'batch' })
  return (messages, tookMs) => {
    const child = messages === 1 ? single : batch
    child.observe(tookMs / 1000)
    sizes.observe(messages)
  }
}
