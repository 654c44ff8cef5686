/**
 * The proof that nothing is lost, as a comparison of sets: webhooks answered 2xx, events that arrived, and events that the log
 * says. Pure; all times are `performance.now()` of the process that sends and receives.
 */

/** One request and its answer; without an id unless it was answered 2xx. */
export interface Answer {
  readonly id?: string | undefined
  readonly dueMs: number
  /** 0: no answer, because the connection broke or time ran out. */
  readonly status: number
}

export interface Arrival {
  readonly atMs: number
  readonly againAtMs?: readonly number[]
}

/** Something that was done to the system. */
export interface Disturbance {
  /** Such as `kill -9 nats`. */
  readonly name: string
  readonly startMs: number
  /** When webhooks were accepted and arrived again. */
  readonly endMs: number
  /** Whether it hits what delivers: workers, nats-servers, destinations and what connects them. Others repeat nothing. */
  readonly hitsDelivery: boolean
}

/** Where an event stands in the log. */
export type LoggedStatus = 'pending' | 'processing' | 'success' | 'failed' | 'unrouted'

export interface Comparison {
  readonly accepted: number
  /** Answered, but not 2xx. */
  readonly refused: number
  /** Not answered at all. */
  readonly unanswered: number
  /** Ids answered 2xx that did not arrive. */
  readonly undelivered: readonly string[]
  /** Ids answered 2xx that do not stand in the log. */
  readonly unlogged: readonly string[]
  /** Ids that stand in the log but did not arrive, and are not dead either. */
  readonly forgotten: readonly string[]
  /** Events that arrived although their sender got no answer: the answer was lost, not the event. */
  readonly unasked: number
  /** Arrivals beyond the first, by the disturbance that explains them. */
  readonly repeats: ReadonlyMap<string, number>
  /** Ids that arrived more than once without a disturbance to explain it. */
  readonly unexplained: readonly string[]
}

/**
 * Deliveries in hand this long before a disturbance may be repeated after it, in ms: a delivery is done for good when its
 * record is stored, which takes milliseconds, or seconds where processes stand still.
 */
const inHandMs = 5_000

export function compare(told: {
  readonly answers: readonly Answer[]
  readonly arrivals: ReadonlyMap<string, Arrival>
  readonly log: ReadonlyMap<string, LoggedStatus>
  readonly disturbances: readonly Disturbance[]
}): Comparison {
  const { answers, arrivals, log, disturbances } = told
  const accepted = new Set(answers.flatMap(({ id }) => id ?? []))
  const causes = disturbances.filter(({ hitsDelivery }) => hitsDelivery)
  const repeats = new Map(causes.map(({ name }) => [name, 0]))
  const unexplained: string[] = []
  const sentMs = new Map(answers.flatMap(({ id, dueMs }) => (id === undefined ? [] : [[id, dueMs] as const])))
  for (const [id, { atMs, againAtMs = [] }] of arrivals) {
    for (const [index, againMs] of againAtMs.entries()) {
      const arrivedMs = index === 0 ? atMs : againAtMs[index - 1]!
      const begunMs = index === 0 ? (sentMs.get(id) ?? atMs) : arrivedMs
      const cause = causeOf({ begunMs, arrivedMs, againMs }, causes)
      if (cause) repeats.set(cause.name, repeats.get(cause.name)! + 1)
      else unexplained.push(id)
    }
  }
  return {
    accepted: accepted.size,
    refused: answers.filter(({ id, status }) => id === undefined && status !== 0).length,
    unanswered: answers.filter(({ status }) => status === 0).length,
    undelivered: [...accepted].filter(id => !arrivals.has(id)),
    unlogged: [...accepted].filter(id => !log.has(id)),
    forgotten: [...log].flatMap(([id, status]) => (status !== 'failed' && !arrivals.has(id) ? [id] : [])),
    unasked: [...arrivals.keys()].filter(id => !accepted.has(id)).length,
    repeats,
    unexplained,
  }
}

/**
 * The latest disturbance between a delivery being begun and its arrival being known everywhere, before it arrived again. It
 * is begun when its webhook is sent: what is lost on the way may be its event's acknowledgement, long before its turn.
 */
function causeOf(
  { begunMs, arrivedMs, againMs }: Readonly<Record<'begunMs' | 'arrivedMs' | 'againMs', number>>,
  disturbances: readonly Disturbance[],
): Disturbance | undefined {
  return disturbances.findLast(
    ({ startMs, endMs }) =>
      startMs <= againMs && arrivedMs >= startMs - inHandMs && begunMs <= endMs + inHandMs,
  )
}

/** For people: one line for what was counted, and one for each cause of repeats. */
export function describe(comparison: Comparison): string {
  const { accepted, refused, unanswered, undelivered, unlogged, unasked, repeats, unexplained } = comparison
  const lines = [
    `accepted ${accepted}, refused ${refused}, unanswered ${unanswered} (${unasked} of them arrived all the same)`,
    `of the accepted: not delivered ${undelivered.length}, not in the log ${unlogged.length}`,
    ...[...repeats].map(([name, count]) => `repeats after ${name}: ${count}`),
    `repeats without a cause: ${unexplained.length}`,
  ]
  return lines.map(line => `  ${line}`).join('\n')
}
