import type { ProbeSource } from './sign.ts'

/**
 * What a probe passes. `accept`: a receiver answered 2xx. `first_attempt`: it arrived at the prober. `retry`: it arrived again
 * after the prober had answered 503. `nats`: it arrived as a message. `log`: the API says that it was delivered.
 */
export const hops = ['accept', 'first_attempt', 'retry', 'nats', 'log'] as const
export type Hop = (typeof hops)[number]

/** Later than this after it was sent is late, ms. */
export const lateMs: Readonly<Record<Hop, number>> = {
  accept: 1_000,
  first_attempt: 10_000,
  retry: 30_000,
  nats: 10_000,
  log: 20_000,
}

export const hopResults = ['good', 'late', 'failed'] as const
export type HopResult = (typeof hopResults)[number]

/** One webhook that the prober sends, as it is kept for a restart. */
export interface Probe {
  /** The provider's id of it: `<partition>-<sequence>-<random>`. */
  readonly id: string
  readonly sequence: number
  readonly source: ProbeSource
  readonly body: string
  /** Unix ms, of the first try. */
  readonly sentMs: number
  /** Tries to have it accepted. */
  tries: number
  /** Why the last try failed; absent: none has. */
  refused?: string
  /** `evt_…`, once it is accepted. */
  event?: string
  /** What it has still to pass. */
  open: Hop[]
  /** It passed something later than it should have. */
  late?: true
}

/** Every twentieth is answered 503 first; it is of the source whose deliveries are in no order. */
const retriedEvery = 20
/** Every fourth is looked up in the log. */
const loggedEvery = 4

export const isRetried = (sequence: number): boolean => sequence % retriedEvery === retriedEvery - 1

/** What a probe has to pass. Pure. */
export function hopsOf(source: ProbeSource, sequence: number): Hop[] {
  return [
    'accept',
    'first_attempt',
    ...(isRetried(sequence) ? (['retry'] as const) : []),
    ...(source === 'github' ? (['nats'] as const) : []),
    ...(sequence % loggedEvery === 0 || isRetried(sequence) ? (['log'] as const) : []),
  ]
}

/** Its body: Stripe's id and type stand in it, the order of deliveries goes by `partition`. */
export const bodyOf = (probe: Pick<Probe, 'id' | 'sequence' | 'sentMs'>, partition: number): string =>
  JSON.stringify({
    id: probe.id,
    object: 'event',
    type: 'fairlead.probe',
    partition,
    sequence: probe.sequence,
    sentAt: new Date(probe.sentMs).toISOString(),
  })

/** Whether no receiver accepted it yet, or it has not arrived. */
export const isOnItsWay = ({ open }: Pick<Probe, 'open'>): boolean =>
  open.includes('accept') || open.includes('first_attempt')

/** Whether the prober has taken it. A probe that was answered 503 has to come again before. */
export const hasArrived = (probe: Pick<Probe, 'open'>): boolean =>
  !isOnItsWay(probe) && !probe.open.includes('retry')
