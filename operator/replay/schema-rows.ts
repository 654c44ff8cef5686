/** Replays that are accepted or refused, as data: the same rows run against zod and against a real API server. */

export function aReplay(
  spec: Record<string, unknown> = {},
  metadata: Record<string, unknown> = {},
): { apiVersion: string; kind: string; metadata: Record<string, unknown>; spec: Record<string, unknown> } {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Replay',
    metadata: { name: 'after-the-outage', ...metadata },
    spec: { organization: 'acme', ...spec },
  }
}

export const acceptedRows: readonly { readonly name: string; readonly spec: Record<string, unknown> }[] = [
  { name: 'everything of an Organization', spec: {} },
  {
    name: 'every condition',
    spec: {
      selector: {
        sources: ['stripe'],
        eventTypes: ['invoice.*'],
        from: '2026-01-31T12:00:00Z',
        to: '2026-02-01T00:00:00.5+02:00',
        status: 'failed',
        deliveryStates: ['dead'],
        reasons: ['attempts_exhausted'],
      },
      destinations: ['billing', 'books'],
      ratePerSecond: 1000,
      dryRun: true,
      paused: true,
      ttlSecondsAfterFinished: 0,
    },
  },
]

export const refusedRows: readonly {
  readonly name: string
  readonly spec: Record<string, unknown>
  /** A part of what zod says. */
  readonly fault: string
  /** A part of what the API server says. */
  readonly api: string
}[] = [
  {
    name: 'a window that ends before it begins',
    spec: { selector: { from: '2026-02-01T00:00:00Z', to: '2026-01-31T00:00:00Z' } },
    fault: 'from must be before to, or no event can be received between the two',
    api: 'from must be before to, or no event can be received between the two',
  },
  {
    name: 'a time that is none',
    spec: { selector: { from: 'yesterday' } },
    fault: 'must be a time such as 2026-01-31T12:00:00Z',
    api: 'spec.selector.from: Invalid value: "yesterday"',
  },
  {
    name: 'a rate beyond the limit',
    spec: { ratePerSecond: 1001 },
    fault: 'must be at most 1000',
    api: 'spec.ratePerSecond: Invalid value: 1001',
  },
  {
    name: 'deliveries that have not ended',
    spec: { selector: { deliveryStates: ['waiting'] } },
    fault: 'Invalid option',
    api: 'Unsupported value: "waiting"',
  },
  {
    name: 'a misspelt field',
    spec: { selector: { types: ['invoice.*'] } },
    fault: 'Unrecognized key: "types"',
    api: 'unknown field "spec.selector.types"',
  },
  {
    name: 'no Organization',
    spec: { organization: undefined },
    fault: 'Invalid input',
    api: 'spec.organization: Required value',
  },
]

/** Changes of a Replay whose deliveries are made (no dry run), with the message that refuses them; none: allowed. */
export const changeRows: readonly {
  readonly name: string
  readonly from?: Record<string, unknown>
  readonly to: Record<string, unknown>
  readonly api?: string
}[] = [
  { name: 'is paused', to: { paused: true } },
  { name: 'gets another time to live', to: { ttlSecondsAfterFinished: 60 } },
  {
    name: 'of another Organization',
    to: { organization: 'globex' },
    api: "spec.organization can't change: make another Replay for the other Organization",
  },
  {
    name: 'selects something else',
    to: { selector: { eventTypes: ['invoice.*'] } },
    api: "spec.selector can't change once deliveries are made: delete this Replay, which cancels it, and make another one",
  },
  {
    name: 'goes elsewhere',
    to: { destinations: ['books'] },
    api: "spec.destinations can't change once deliveries are made: delete this Replay, which cancels it, and make another one",
  },
  {
    name: 'goes faster',
    to: { ratePerSecond: 100 },
    api: "spec.ratePerSecond can't change once deliveries are made: delete this Replay, which cancels it, and make another one",
  },
  {
    name: 'becomes a dry run',
    to: { dryRun: true },
    api: "spec.dryRun can't be turned on once deliveries are made: hold it with spec.paused: true, or delete it",
  },
  {
    name: 'a dry run that selects something else',
    from: { dryRun: true },
    to: { dryRun: true, ratePerSecond: 5 },
  },
  {
    name: 'a dry run that begins, of something else',
    from: { dryRun: true },
    to: { selector: { sources: ['stripe'] }, destinations: ['books'] },
  },
]
