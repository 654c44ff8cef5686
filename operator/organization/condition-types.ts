import type * as general from '../condition.ts'

/**
 * The conditions and reasons of an Organization's status, in closed lists: the same words stand in conditions, Kubernetes Events and
 * log lines.
 */

export const conditionTypes = [
  'Ready',
  'SecretsResolved',
  'SourcesHealthy',
  'DestinationsHealthy',
  /** Whether the prober's webhooks arrive that go the same way; only with `spec.slo`, and where there is a prober. */
  'Delivering',
] as const
export type ConditionType = (typeof conditionTypes)[number]

export const conditionReasons = [
  /** Everything declared is in force. */
  'Reconciled',
  'SecretsFound',
  'Healthy',
  /** The Organization has none of the kind. */
  'NoneDeclared',
  /** A Secret, or a key in it, isn't there or is empty. */
  'SecretMissing',
  /** The tenant's Secret exists already and was not made by the operator. */
  'SecretNotOurs',
  /** A source can't verify with its present configuration. */
  'SourceInvalid',
  /** Another Organization has the slug. */
  'SlugTaken',
  /** The slug was changed, or belongs to what another owner declares. */
  'OwnedByAnother',
  /** The store refuses the declaration. */
  'StoreRefused',
  /** The store can't be reached, so the status is not current. */
  'StoreUnavailable',
  /** At least one source swallows many requests as repeats although their bodies differ: 10 an hour, a fifth of all. */
  'RepeatsDiffer',
  /** The last attempt to at least one destination failed. */
  'Failing',
  /** At least one destination was paused by itself: it answered 410, or failed for days. */
  'DestinationPaused',
  /** Webhooks of the prober arrive that go through the same partition. */
  'ProbesArrive',
  /** They are refused, late or lost: it is no fault of this Organization. */
  'ProbesFail',
  /** The prober tells nothing. */
  'ProberSilent',
  /** It is being deleted. */
  'Deleting',
] as const
export type ConditionReason = (typeof conditionReasons)[number]

/** Those that `Ready` may have. */
export const readyReasons = [
  'Reconciled',
  'SecretMissing',
  'SecretNotOurs',
  'SourceInvalid',
  'SlugTaken',
  'OwnedByAnother',
  'StoreRefused',
  'StoreUnavailable',
  'Deleting',
] as const satisfies readonly ConditionReason[]

export type Finding = general.Finding<ConditionType, ConditionReason>
