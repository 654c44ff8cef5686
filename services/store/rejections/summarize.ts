import { openPace, type Pace } from '@fairlead/webhook/explain-pace'
import type { OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { RejectionMeta } from '@fairlead/wire/rejection'
import type { Keyring } from '@fairlead/wire/seal'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Published } from '../publish/publish.ts'
import { isUndecided, type Judged, openJudge } from './judge.ts'
import { lookBack } from './look-back.ts'
import { modeOfRejection, readRejection, type StoredRejection } from './read.ts'
import type { TakeVerifying } from './verifying.ts'

/** Of one source. */
export interface SourceRejections {
  readonly source: string
  rejections: number
  wouldPass: number
  stillRefused: number
  undecided: number
  unchecked: number
}

export interface SummaryRequest {
  readonly organization: OrganizationId
  /** Undefined: the organization is published no longer, and nothing is decided. */
  readonly published: Published | undefined
  /** A source's name, or `*`. */
  readonly source: string
  readonly publicUrl: string
  /** Undefined: of both. */
  readonly mode?: Mode | undefined
  /** Ends the work. */
  readonly signal: AbortSignal
}

/** The newest that one summary counts, of all sources together. */
const mostCounted = 10_000
/** Messages that one summary goes over, of both modes. */
const mostLooked = 50_000
/** Answers that are kept, some 100 bytes each. */
const mostKnown = 50_000

/**
 * How many rejections would pass. Organizations take turns; a summary is made in slices of 5 ms and with a second of work at most.
 * What it found out is kept, for as long as the configuration stays, so that the next one goes on. Whoever asks again and again
 * makes no more work than whoever asks once.
 */
export function openSummaries(
  nats: NatsConnection,
  keyring: Pick<Keyring, 'open'>,
  takeTurn: TakeVerifying,
  pace: () => Pace = openPace,
) {
  const known = new Map<string, 'wouldPass' | 'stillRefused' | 'undecided'>()

  return async (request: SummaryRequest): Promise<SourceRejections[]> => {
    const { organization, published, publicUrl, signal } = request
    using _turn = await takeTurn(organization, signal)
    const judge = published && openJudge(published, keyring, publicUrl)
    const work = pace()
    const bySource = new Map<string, SourceRejections>()
    let isOver = false
    for await (const { seq, meta } of newest(nats, request)) {
      const counts = bySource.get(meta.source) ?? noneOf(meta.source)
      bySource.set(meta.source, counts)
      counts.rejections += 1
      const name = `${published?.revision ?? 0} ${seq} ${meta.receivedAt}`
      let kind = known.get(name)
      isOver ||= kind === undefined && !(await work.goOn())
      if (kind === undefined && !isOver) {
        signal.throwIfAborted()
        const rejection = await readRejection(nats, organization, seq)
        kind = kindOf(rejection, judge && rejection && (await judge(rejection)))
        remember(name, kind)
      }
      counts[kind ?? 'unchecked'] += 1
    }
    return [...bySource.values()].sort((a, b) => (a.source < b.source ? -1 : 1))
  }

  function remember(name: string, kind: 'wouldPass' | 'stillRefused' | 'undecided'): void {
    if (known.size >= mostKnown) known.delete(known.keys().next().value!)
    known.set(name, kind)
  }
}

/** Those that a summary counts, newest first: a look at a time is in memory. */
async function* newest(
  nats: NatsConnection,
  { organization, source, mode, signal }: SummaryRequest,
): AsyncGenerator<StoredRejection> {
  const subjects = [rejectionsSubject(organization, source)]
  const fits = (meta: RejectionMeta) => !mode || modeOfRejection(meta) === mode
  let counted = 0
  let looked = 0
  for await (const look of lookBack(nats, { subjects, fits })) {
    signal.throwIfAborted()
    for (const rejection of look.rejections) {
      if (counted === mostCounted) return
      counted += 1
      yield rejection
    }
    looked += look.looked
    if (looked >= mostLooked) return
  }
}

const noneOf = (source: string): SourceRejections => ({
  source,
  rejections: 0,
  wouldPass: 0,
  stillRefused: 0,
  undecided: 0,
  unchecked: 0,
})

function kindOf(rejection: StoredRejection | undefined, judged: Judged | undefined) {
  if (!rejection || !judged) return 'undecided'
  if (judged.kind === 'passes') return 'wouldPass'
  return isUndecided(judged.reason) ? 'undecided' : 'stillRefused'
}
