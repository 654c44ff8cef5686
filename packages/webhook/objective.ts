/**
 * Objectives: each thing that happened to a webhook is judged once, in code, at the exact threshold. Rules only divide these
 * counts, so no threshold has to be the bound of a bucket. Pure.
 *
 *   accept          an answer of 2xx, not one that is our doing          receiver
 *   accept_latency  of those accepted: within 1 s                         receiver
 *   freshness       the first attempt begins within 5 s of the receipt    worker
 *   delivery        delivered within 24 h of the receipt                  worker
 *   log             in the log within 10 s of the receipt                 store
 *   probe           the prober's own webhook comes back in time           prober
 */
export const objectives = ['accept', 'accept_latency', 'freshness', 'delivery', 'log', 'probe'] as const
export type Objective = (typeof objectives)[number]

/** `excluded` counts neither as good nor as bad: the sender, the destination or the owner caused it. */
export const judgements = ['good', 'bad', 'excluded'] as const
export type Judgement = (typeof judgements)[number]

/** The platform's own thresholds, ms. An organization's `spec.slo` may have others for freshness and delivery. */
export const objectiveMs = {
  accept_latency: 1_000,
  freshness: 5_000,
  delivery: 24 * 3_600_000,
  log: 10_000,
} as const

/** The platform's own targets over 30 days: the share of good among good and bad. */
export const objectiveTargets: Readonly<Record<Objective, number>> = {
  accept: 0.9995,
  accept_latency: 0.99,
  freshness: 0.99,
  delivery: 0.99,
  log: 0.99,
  probe: 0.999,
}

/** The objectives that an organization may have of its own. */
export const organizationObjectives = ['freshness', 'delivery'] as const satisfies readonly Objective[]
export type OrganizationObjective = (typeof organizationObjectives)[number]

/** The counter of judgements, as each part that judges declares it. */
export const objectiveEventsMetric = {
  name: 'fairlead_objective_events_total',
  help: 'Webhooks judged by an objective of the platform. excluded: the sender, the destination or its owner held it up, so it counts for neither',
  labelNames: ['objective', 'result'],
} as const

/** @param code the code of the refusal. @param reason its exact reason */
export function judgeRefusal(code: string, reason: string): Judgement {
  // The sender broke off: nobody was left to answer.
  if (reason === 'aborted') return 'excluded'
  return code === 'unavailable' || code === 'internal' ? 'bad' : 'excluded'
}

export const judgeLatency = (ms: number, withinMs: number): 'good' | 'bad' =>
  ms <= withinMs ? 'good' : 'bad'

/**
 * @param delayMs from the receipt to the start of the first attempt
 * @param heldUp by its destination (paused, breaker open, rate, all of its own slots in use) or by the order that its
 *   route asks for: then being late is not ours
 */
export function judgeFreshness(delayMs: number, withinMs: number, heldUp: boolean): Judgement {
  if (delayMs <= withinMs) return 'good'
  return heldUp ? 'excluded' : 'bad'
}

/**
 * @param settlement what followed from the attempt; a retry is not the end, so nothing is judged
 * @param ageMs from the receipt to the end of the attempt
 */
export function judgeDelivery(
  settlement: { readonly kind: 'delivered' | 'retry' } | { readonly kind: 'dead'; readonly reason: string },
  ageMs: number,
  withinMs: number,
): Judgement | undefined {
  switch (settlement.kind) {
    case 'retry':
      return undefined
    case 'delivered':
      return judgeLatency(ageMs, withinMs)
    case 'dead':
      return settlement.reason === 'cancelled' || settlement.reason === 'destination_deleted'
        ? 'excluded'
        : 'bad'
    default:
      return settlement satisfies never
  }
}
