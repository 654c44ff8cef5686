import type { Replay } from './schema.ts'
import type { ReplayStatus } from './status-schema.ts'

/** Names a Replay: `namespace/name`. */
export type ReplayKey = string

/** A Replay as it stands in the API server. */
export interface Declared {
  readonly replay: Replay
  /** Names this one resource for ever; the store makes one Replay for it, however often it is asked. */
  readonly uid: string
  /** Unix time, ms; whole seconds. */
  readonly createdAtMs: number
  readonly generation: number
  readonly deleting: boolean
}

export interface Declarations {
  /** Undefined if there is no such Replay (any more). */
  readReplay(key: ReplayKey): Promise<Declared | undefined>
  readStatus(key: ReplayKey): Promise<ReplayStatus | undefined>
  /** The slug of an Organization that is there, `namespace/name`. */
  readSlug(organization: string): Promise<string | undefined>
}
