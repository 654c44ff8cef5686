/**
 * The load tests as plain data. Two drivers read it: `run.ts`, whose figures are published, and the k6 scripts in `k6/`, which
 * users run with their own k6. So nothing here is Node's.
 *
 * Limits on times hold for two cores with everything aboard; a machine of another size has others (`--times 4`).
 */

export const providers = ['github', 'stripe', 'shopify', 'standard-webhooks'] as const
export type ProviderName = (typeof providers)[number]

/** Requests a second for some time, whatever the answers do. */
export interface Stage {
  readonly seconds: number
  readonly perSecond: number
}

/** How a destination behaves; each has a path of the sink. */
export type Mood =
  | { readonly kind: 'answers'; readonly delayMs: number }
  /** Answers 500 to this part of the requests, 0 to 1. */
  | { readonly kind: 'fails'; readonly part: number }
  /** Never answers. */
  | { readonly kind: 'hangs' }
  /** Sends a byte a second. */
  | { readonly kind: 'drips' }

/** A stream of requests within a scenario. */
export interface Flow {
  readonly name: string
  /** Organizations of this flow, which take turns: `<flow>-1`, `<flow>-2` … */
  readonly organizations: number
  /** These take turns too. */
  readonly providers: readonly ProviderName[]
  readonly stages: readonly Stage[]
  readonly mood: Mood
}

/** A figure of a flow, or of all flows together, and the most that it may be. */
export interface Limit {
  readonly figure: Figure
  readonly atMost: number
  /** Default: all flows. */
  readonly flow?: string
}

export const figures = [
  /** Part of the requests that were not answered 2xx with an id, 0 to 1. */
  'refused_ratio',
  /** Part of the requests that were answered neither 2xx nor with `Retry-After`. */
  'failed_ratio',
  /** From when a request was due to its answer. */
  'accept_p95_ms',
  'accept_p99_ms',
  /** From when a request was due to its arrival at the destination. */
  'arrival_p50_ms',
  'arrival_p99_ms',
  /** Accepted and never arrived. */
  'lost',
  /** Arrivals besides the first of an event. */
  'repeated',
  /** Requests that were due and not sent, because the generator could not keep up: the run is void. */
  'unsent',
] as const
export type Figure = (typeof figures)[number]

export interface Scenario {
  readonly name: string
  readonly what: string
  readonly flows: readonly Flow[]
  readonly limits: readonly Limit[]
}

const bodyBytes = 2_048
const quick = { kind: 'answers', delayMs: 0 } as const
const usual = { kind: 'answers', delayMs: 5 } as const
const intact: readonly Limit[] = [
  { figure: 'lost', atMost: 0 },
  { figure: 'unsent', atMost: 0 },
]
const everything: readonly Limit[] = [{ figure: 'refused_ratio', atMost: 0 }, ...intact]

const scenarioList: readonly Scenario[] = [
  {
    name: 'ingest',
    what: 'four providers, 50 organizations, 500 webhooks a second for two minutes',
    flows: [
      {
        name: 'all',
        organizations: 50,
        providers,
        stages: [{ seconds: 120, perSecond: 500 }],
        mood: quick,
      },
    ],
    limits: [
      { figure: 'refused_ratio', atMost: 0.001 },
      { figure: 'accept_p95_ms', atMost: 10 },
      { figure: 'accept_p99_ms', atMost: 25 },
      ...intact,
    ],
  },
  {
    name: 'end-to-end',
    what: 'from the request to its arrival at a destination that takes 5 ms, 500 a second for two minutes',
    flows: [
      { name: 'all', organizations: 10, providers, stages: [{ seconds: 120, perSecond: 500 }], mood: usual },
    ],
    limits: [
      { figure: 'arrival_p50_ms', atMost: 5 },
      { figure: 'arrival_p99_ms', atMost: 50 },
      { figure: 'repeated', atMost: 0 },
      ...everything,
    ],
  },
  {
    name: 'soak',
    what: '200 a second for two hours, one in a hundred failing at first',
    flows: [
      {
        name: 'all',
        organizations: 20,
        providers,
        stages: [{ seconds: 7_200, perSecond: 198 }],
        mood: usual,
      },
      {
        name: 'failing',
        organizations: 1,
        providers: ['github'],
        stages: [{ seconds: 7_200, perSecond: 2 }],
        mood: { kind: 'fails', part: 0.5 },
      },
    ],
    limits: [
      { figure: 'accept_p99_ms', atMost: 50 },
      { figure: 'arrival_p99_ms', atMost: 100, flow: 'all' },
      { figure: 'refused_ratio', atMost: 0 },
      { figure: 'lost', atMost: 0, flow: 'all' },
      { figure: 'unsent', atMost: 0 },
    ],
  },
  {
    name: 'spike',
    what: '100 a second, five times as many for three minutes, then 100 again',
    flows: [
      {
        name: 'all',
        organizations: 10,
        providers,
        stages: [
          { seconds: 60, perSecond: 100 },
          { seconds: 180, perSecond: 500 },
          { seconds: 60, perSecond: 100 },
        ],
        mood: usual,
      },
    ],
    limits: [{ figure: 'accept_p99_ms', atMost: 250 }, ...everything],
  },
  {
    name: 'noisy-neighbour',
    what: 'nine organizations at 20 a second beside one that sends 1,000 a second, one that hangs and one that drips',
    flows: [
      {
        name: 'quiet',
        organizations: 9,
        providers,
        stages: [{ seconds: 120, perSecond: 180 }],
        mood: usual,
      },
      {
        name: 'noisy',
        organizations: 1,
        providers: ['github'],
        stages: [
          { seconds: 60, perSecond: 0 },
          { seconds: 60, perSecond: 1_000 },
        ],
        mood: quick,
      },
      {
        name: 'hanging',
        organizations: 1,
        providers: ['github'],
        stages: [
          { seconds: 60, perSecond: 0 },
          { seconds: 60, perSecond: 20 },
        ],
        mood: { kind: 'hangs' },
      },
      {
        name: 'dripping',
        organizations: 1,
        providers: ['github'],
        stages: [
          { seconds: 60, perSecond: 0 },
          { seconds: 60, perSecond: 20 },
        ],
        mood: { kind: 'drips' },
      },
    ],
    limits: [
      { figure: 'refused_ratio', atMost: 0, flow: 'quiet' },
      { figure: 'arrival_p99_ms', atMost: 250, flow: 'quiet' },
      { figure: 'lost', atMost: 0, flow: 'quiet' },
      { figure: 'repeated', atMost: 0, flow: 'quiet' },
      { figure: 'unsent', atMost: 0, flow: 'quiet' },
    ],
  },
  {
    name: 'overload',
    what: 'several times as many as can be taken, for 20 s, and whether the rest is refused at once and nothing is lost',
    flows: [
      {
        name: 'all',
        organizations: 10,
        providers,
        stages: [
          { seconds: 10, perSecond: 200 },
          { seconds: 20, perSecond: 8_000 },
          { seconds: 20, perSecond: 200 },
        ],
        mood: quick,
      },
    ],
    limits: [
      { figure: 'failed_ratio', atMost: 0.001 },
      { figure: 'lost', atMost: 0 },
    ],
  },
]

export const scenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  scenarioList.map(scenario => [scenario.name, scenario]),
)

/** Throws a RangeError that lists the names. */
export function findScenario(name: string): Scenario {
  const found = scenarios[name]
  if (!found) throw new RangeError(`there is no scenario ${name}: ${Object.keys(scenarios).join(', ')}`)
  return found
}

/** Names of a flow's organizations. */
export const organizationsOf = ({ name, organizations }: Flow): string[] =>
  Array.from({ length: organizations }, (_, index) => `load-${name}-${index + 1}`)

/** Where a mood's destination answers at the sink. */
export function pathOf(mood: Mood): string {
  switch (mood.kind) {
    case 'answers':
      return `/answers/${mood.delayMs}`
    case 'fails':
      return `/fails/${mood.part}`
    case 'hangs':
    case 'drips':
      return `/${mood.kind}`
    default:
      return mood satisfies never
  }
}

/** The same scenario, shorter or longer, with more or fewer requests a second. */
export function scaled(
  scenario: Scenario,
  by: { readonly seconds: number; readonly rate: number },
): Scenario {
  const flows = scenario.flows.map(flow => ({
    ...flow,
    stages: flow.stages.map(({ seconds, perSecond }) => ({
      seconds: seconds * by.seconds,
      perSecond: perSecond * by.rate,
    })),
  }))
  return { ...scenario, flows }
}

/** A body of about 2 KB that carries the id by which a repeat of it would be known. */
export function bodyOf(provider: ProviderName, id: string): string {
  const start = `{"id":"${id}","type":"${provider === 'stripe' ? 'invoice.paid' : 'load'}","pad":"`
  return `${start}${'x'.repeat(bodyBytes - start.length - 2)}"}`
}
