import type { Publisher } from '@fairlead/wire/publish'
import type { BodyMemory } from './admission/body-memory.ts'
import type { Permits } from './admission/permits.ts'
import type { RefusalLog } from './admission/refusal-log.ts'
import type { Throttle } from './admission/throttle.ts'
import type { Turns } from './admission/turns.ts'
import type { Confirmations } from './confirm.ts'
import type { Directory, Source } from './directory.ts'
import type { ReceiverMetrics } from './metrics.ts'
import type { PublicUrls } from './public-url.ts'
import type { RejectionLog } from './rejection-log.ts'
import type { Repeats } from './report-repeats.ts'
import type { Seen } from './seen/seen.ts'
import type { ReceiverTraces } from './trace.ts'

/** Everything that the steps of `ingest.ts` share; opened by `receiver.ts`. */
export interface Receiver {
  readonly directory: Directory
  readonly publisher: Publisher
  readonly seen: Seen
  readonly rejections: RejectionLog
  readonly repeats: Pick<Repeats, 'note'>
  /** Whether the event with this sequence in EVENTS has this body; true where EVENTS can't be read. */
  isBodyOf(seq: number, body: Uint8Array): Promise<boolean>
  readonly metrics: ReceiverMetrics
  readonly log: IngestLog
  /** Undefined: no trace is exported. */
  readonly traces?: ReceiverTraces | undefined
  readonly bodies: BodyMemory
  readonly permits: Permits
  readonly throttle: Throttle
  readonly turns: Turns
  readonly refusals: RefusalLog
  readonly limits: {
    /** Bytes of one body. */
    readonly maxBodyBytes: number
  }
  readonly publicUrls: PublicUrls
  readonly confirmations: Pick<Confirmations, 'confirm'>
  now(): number
}

/** One line for each accepted event. Of refusals the first few have a line each; the others are counted. */
export interface IngestLog {
  info(fields: object, message: 'event.accepted' | 'handshake.answered'): void
  warn(fields: object, message: 'request.refused' | 'requests.refused' | 'secret.offered'): void
}

/** The log fields that name a source and its organization. */
export const sourceFields = ({ organization, config }: Source) => ({
  organization: organization.slug,
  source: config.name,
  provider: config.provider,
})
