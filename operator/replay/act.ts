import type { Replay as StoredReplay } from '@fairlead/wire/store/replay'
import type { ConditionReason } from './condition-types.ts'
import type { ReplayKey } from './declared.ts'
import type { DesiredReplay } from './desired.ts'
import type { Action } from './diff.ts'
import type { ReplayLookup, Unavailable } from './observe.ts'

/** Writes to the declaration in the Kubernetes API. */
export interface Holdings {
  /** Marks the declaration, so that its deletion waits for `release`. Writes nothing if it is marked. */
  claim(key: ReplayKey): Promise<void>
  release(key: ReplayKey): Promise<void>
  /** Deletes the declaration itself. */
  expire(key: ReplayKey): Promise<void>
}

export interface Refused {
  readonly kind: 'refused'
  readonly reason: Extract<ConditionReason, 'TooLarge' | 'StoreRefused'>
  readonly message: string
}

/** The Replays of the store. Refusals and failures are answers; every call is safe to repeat. */
export interface ReplayRows extends ReplayLookup {
  count(organizationId: string, desired: DesiredReplay): Promise<StoredReplay | Refused | Unavailable>
  create(organizationId: string, desired: DesiredReplay): Promise<StoredReplay | Refused | Unavailable>
  /** One that has ended meanwhile stays ended. */
  change(
    change: 'pause' | 'resume' | 'cancel',
    organizationId: string,
    replayId: string,
  ): Promise<StoredReplay | Refused | Unavailable>
}

/** The outcome of the actions. */
export type ActResult =
  /** As it stands in the store now. */
  | { readonly kind: 'stored'; readonly replay: StoredReplay }
  | { readonly kind: 'counted'; readonly replay: StoredReplay }
  /** Nothing was to be done. */
  | { readonly kind: 'held' }
  /** The declaration is gone, or goes. */
  | { readonly kind: 'gone' }
  | Refused
  | Unavailable

/** Carries out actions in order, up to the first that fails. Rejects only where the API server doesn't answer. */
export async function act(
  key: ReplayKey,
  actions: readonly Action[],
  { holdings, rows }: { readonly holdings: Holdings; readonly rows: ReplayRows },
): Promise<ActResult> {
  let outcome: ActResult = { kind: 'held' }
  for (const action of actions) {
    outcome = await perform(key, action, holdings, rows)
    if (outcome.kind === 'refused' || outcome.kind === 'unavailable') return outcome
  }
  return outcome
}

async function perform(
  key: ReplayKey,
  action: Action,
  holdings: Holdings,
  rows: ReplayRows,
): Promise<ActResult> {
  switch (action.kind) {
    case 'claim':
      await holdings.claim(key)
      return { kind: 'held' }
    case 'count':
      return told('counted', await rows.count(action.organizationId, action.desired))
    case 'create':
      return told('stored', await rows.create(action.organizationId, action.desired))
    case 'pause':
    case 'resume':
    case 'cancel':
      return told('stored', await rows.change(action.kind, action.organizationId, action.replayId))
    case 'release':
      await holdings.release(key)
      return { kind: 'gone' }
    case 'expire':
      await holdings.expire(key)
      return { kind: 'gone' }
    default:
      throw new TypeError(`unknown action ${action satisfies never}`)
  }
}

function told(kind: 'stored' | 'counted', answer: StoredReplay | Refused | Unavailable): ActResult {
  return 'kind' in answer ? answer : { kind, replay: answer }
}
