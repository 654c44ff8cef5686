import type { Replay } from '@fairlead/client/gen/client'
import { shortTime } from './show-time.ts'
import type { Column } from './table.ts'
import { type Colour, printable } from './terminal.ts'

/** The deliveries that a Replay would make, in a line. */
export function startedLine({ matched, matchedEvents, destinations, ratePerSecond }: Replay): string {
  const to = destinations.length > 0 ? ` to ${destinations.map(name => printable(name)).join(', ')}` : ''
  const took = Math.ceil(matched / ratePerSecond)
  return `${count(matched, 'delivery', 'deliveries')} of ${count(matchedEvents, 'event', 'events')}${to}, ${ratePerSecond} a second: at least ${took} s`
}

/** One Replay for a person, or what it would be. */
export function describeReplay(replay: Replay, now: Date): string[] {
  const expired =
    replay.expired > 0
      ? [`${count(replay.expired, 'delivery', 'deliveries')} can't be made: the bodies are no longer kept`]
      : []
  if (replay.id === null) {
    return replay.matched === 0 ? ['Nothing fits.', ...expired] : [startedLine(replay), ...expired]
  }
  const { published, matched, delivered, failed, skipped, startedAt, endedAt, fault } = replay
  const when = endedAt ?? startedAt ?? replay.createdAt
  return [
    `${printable(replay.id)}  ${replay.state} since ${shortTime(when, now)}, by ${printable(replay.createdBy) || '–'}`,
    `made       ${published} of ${matched}${skipped > 0 ? `, ${skipped} passed over` : ''}`,
    `delivered  ${delivered}`,
    `failed     ${failed}`,
    ...(published > delivered + failed ? [`open       ${published - delivered - failed}`] : []),
    ...expired,
    ...(fault ? [`fault      ${printable(fault)}`] : []),
  ]
}

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`

const colourOf: Readonly<Partial<Record<Replay['state'], Colour>>> = {
  pending: 'yellow',
  running: 'yellow',
  paused: 'yellow',
  completed: 'green',
  failed: 'red',
}

export function replayColumns(now: Date): Column<Replay>[] {
  return [
    { title: 'CREATED', text: replay => shortTime(replay.createdAt, now), optional: true },
    { title: 'REPLAY', text: replay => replay.id ?? '' },
    { title: 'STATE', text: replay => replay.state, colour: replay => colourOf[replay.state] },
    { title: 'MADE', text: ({ published, matched }) => `${published}/${matched}`, alignRight: true },
    { title: 'DONE', text: replay => String(replay.delivered), alignRight: true, optional: true },
    { title: 'FAILED', text: replay => String(replay.failed), alignRight: true, optional: true },
    { title: 'TO', text: replay => replay.destinations.join(', ') || '–', least: 4, optional: true },
  ]
}
