import { z } from 'zod'

/** Conditions as every kind of resource reports them: closed lists of types and reasons, since when, for which generation. */

export type ConditionStatus = 'True' | 'False' | 'Unknown'

/** A condition as a look finds it, without the time since when it holds. */
export interface Finding<Type extends string = string, Reason extends string = string> {
  readonly type: Type
  readonly status: ConditionStatus
  readonly reason: Reason
  /** A sentence; never holds a secret. */
  readonly message: string
}

export interface Condition<Type extends string = string, Reason extends string = string>
  extends Finding<Type, Reason> {
  readonly observedGeneration: number
  /** RFC 3339, when `status` last changed. */
  readonly lastTransitionTime: string
}

/** Characters that the API server takes; also bounds a store's message in a status. */
const maxMessageCharacters = 1024

/** Findings as conditions: a condition whose status is unchanged keeps its time. */
export function conditionsOf<Type extends string, Reason extends string>(
  findings: readonly Finding<Type, Reason>[],
  before: readonly Condition[],
  observedGeneration: number,
  nowMs: number,
): Condition<Type, Reason>[] {
  return findings.map(finding => {
    const old = before.find(({ type }) => type === finding.type)
    return {
      ...finding,
      message:
        finding.message.length > maxMessageCharacters
          ? `${finding.message.slice(0, maxMessageCharacters - 1)}…`
          : finding.message,
      observedGeneration,
      lastTransitionTime: old?.status === finding.status ? old.lastTransitionTime : toSecond(new Date(nowMs)),
    }
  })
}

/** RFC 3339 as the API server writes times. */
export function toSecond(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Conditions in a status, as a CRD describes them. */
export function conditionList<const Types extends readonly string[], const Reasons extends readonly string[]>(
  types: Types,
  reasons: Reasons,
  about: string,
) {
  const condition = z
    .strictObject({
      type: z.enum(types).describe(about),
      status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
      reason: z.enum(reasons).describe('Why, in one word of a closed list.'),
      message: z.string().max(1024).describe('Why, in a sentence that says what to do.'),
      observedGeneration: z.int().min(0).describe('The generation of the resource that this was found for.'),
      lastTransitionTime: z.string().meta({ description: 'When status last changed.', format: 'date-time' }),
    })
    .describe('One thing that is found.')
  return z.array(condition).meta({
    description: 'What is found, Ready first.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  })
}
