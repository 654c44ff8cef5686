/**
 * What an Organization's status says, in closed lists: the same words stand in conditions, Kubernetes Events and
 * log lines.
 */

export const conditionTypes = ['Ready', 'SecretsResolved', 'SourcesHealthy', 'DestinationsHealthy'] as const
export type ConditionType = (typeof conditionTypes)[number]

export const conditionReasons = [
  /** Everything declared is in force. */
  'Reconciled',
  'SecretsFound',
  'Healthy',
  /** There is nothing of the kind that could be ill. */
  'NoneDeclared',
  /** A Secret, or a key in it, isn't there or is empty. */
  'SecretMissing',
  /** The tenant's Secret exists already and was made by someone else. */
  'SecretNotOurs',
  /** A source can't verify with what it is configured with. */
  'SourceInvalid',
  /** Another Organization has the slug. */
  'SlugTaken',
  /** The slug was changed, or belongs to what another owner declares. */
  'OwnedByAnother',
  /** The store refuses what is declared. */
  'StoreRefused',
  /** The store can't be reached, so nothing is known anew. */
  'StoreUnavailable',
  /** The last attempt to at least one destination failed. */
  'Failing',
  /** It is being deleted. */
  'Deleting',
] as const
export type ConditionReason = (typeof conditionReasons)[number]

export type ConditionStatus = 'True' | 'False' | 'Unknown'

/** A condition as it is found, before it is known since when. */
export interface Finding {
  readonly type: ConditionType
  readonly status: ConditionStatus
  readonly reason: ConditionReason
  /** A sentence; never holds a secret. */
  readonly message: string
}

export interface Condition extends Finding {
  readonly observedGeneration: number
  /** RFC 3339, when `status` last changed. */
  readonly lastTransitionTime: string
}

/** The most that the API server takes; also bounds what a store's message can do to a status. */
const maxMessageCharacters = 1024

/** Findings as conditions: one whose status is as before keeps its time. */
export function conditionsOf(
  findings: readonly Finding[],
  before: readonly Condition[],
  observedGeneration: number,
  nowMs: number,
): Condition[] {
  return findings.map(finding => {
    const old = before.find(({ type }) => type === finding.type)
    return {
      ...finding,
      message:
        finding.message.length > maxMessageCharacters
          ? `${finding.message.slice(0, maxMessageCharacters - 1)}…`
          : finding.message,
      observedGeneration,
      lastTransitionTime:
        old?.status === finding.status
          ? old.lastTransitionTime
          : new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    }
  })
}
