import type { PlatformHealth } from '@fairlead/client/gen/client'

/** The log is written within a second; from here on somebody notices. */
const lateMs = 15_000
/** A stream with so little room left refuses soon. */
const fullShare = 0.8

/** What of the platform needs attention, in sentences; the worst first. Pure. */
export function platformNeedsOf({ log, streams, counts }: PlatformHealth): readonly string[] {
  return [
    ...(log === null
      ? ['NATS does not answer: receivers refuse webhooks with 503 until it does.']
      : log.behindMs > lateMs
        ? [
            `The log is ${durationText(log.behindMs)} behind: ${log.behindMessages.toLocaleString()} messages are not in it yet.`,
          ]
        : []),
    ...streams.flatMap(({ name, bytes, limitBytes }) =>
      limitBytes !== null && bytes > limitBytes * fullShare
        ? [`${name} has ${bytesText(bytes)} of ${bytesText(limitBytes)}: when it is full, it refuses.`]
        : [],
    ),
    ...streams.flatMap(({ name, replicasBehind }) =>
      replicasBehind > 0
        ? [`${name}: ${replicasBehind} of its copies ${replicasBehind === 1 ? 'is' : 'are'} not current.`]
        : [],
    ),
    ...(counts.destinations >= 10 && counts.failingDestinations > counts.destinations / 2
      ? [
          `${counts.failingDestinations} of ${counts.destinations} destinations fail: the cause may be the platform’s own network.`,
        ]
      : []),
  ]
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.5 MiB`. @param locale whose way to write the number; default: the browser's */
export function bytesText(bytes: number, locale?: string): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1)
  const number = bytes / 1024 ** power
  return `${number.toLocaleString(locale, { maximumFractionDigits: power === 0 || number >= 100 ? 0 : 1 })} ${units[power]}`
}

/** `0 s`, `3 min`, `2 h`, `5 d`: as coarse as one looks at it. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 2 * 3_600) return `${Math.round(seconds / 60)} min`
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}
