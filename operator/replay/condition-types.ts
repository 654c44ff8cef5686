import type * as general from '../condition.ts'

/** The conditions and reasons of a Replay's status, in closed lists: the same words stand in conditions, Kubernetes Events and log lines. */

export const conditionTypes = ['Ready', 'Complete'] as const
export type ConditionType = (typeof conditionTypes)[number]

export const conditionReasons = [
  /** A dry run: its deliveries are counted. */
  'Counted',
  /** Deliveries are handed to the workers. */
  'Running',
  /** `spec.paused`. */
  'Paused',
  /** All matched deliveries were handed over. */
  'Completed',
  /** It was cancelled, or is being deleted. */
  'Cancelled',
  /** The store gave it up. */
  'Failed',
  /** There is no such Organization in its namespace, or it is not in force yet. */
  'OrganizationMissing',
  /** The Organization has no destination of this name. */
  'DestinationMissing',
  /** More is matched than one Replay may make. */
  'TooLarge',
  'StoreRefused',
  /** The store can't be reached, so the status is not current. */
  'StoreUnavailable',
  /** The store had it, and has it no more. */
  'Lost',
] as const
export type ConditionReason = (typeof conditionReasons)[number]

export type Finding = general.Finding<ConditionType, ConditionReason>
