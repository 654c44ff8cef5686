import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { failures } from '@fairlead/webhook/outcome'
import { type Issue, IssueKind, IssueState } from '@fairlead/wire/store/issue'
import { z } from 'zod'
import { findDestinationId } from './destinations.ts'
import { modeSchema, presentMode } from './mode.ts'
import { type Call, operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { cursor, issueParams, limit, noQuery, organizationParams, pageOf, plainText, time } from './query.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const states = {
  open: IssueState.OPEN,
  acknowledged: IssueState.ACKNOWLEDGED,
  resolved: IssueState.RESOLVED,
  ignored: IssueState.IGNORED,
} as const
const kinds = { delivery: IssueKind.DELIVERY, refusal: IssueKind.REFUSAL } as const
type State = keyof typeof states
type Kind = keyof typeof kinds
const state = z.enum(Object.keys(states) as [State, ...State[]])
const kind = z.enum(Object.keys(kinds) as [Kind, ...Kind[]])

/** What a list counts of deliveries that still fail; a single issue's count goes further. */
const listedFailing = 100

const issueSchema = z
  .object({
    id: z.string().meta({ example: 'iss_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    kind: kind.meta({
      description: 'delivery: attempts at a destination fail; refusal: requests to a source do not verify.',
    }),
    destination: z.string().nullable().meta({ description: 'Its name; null with `refusal`.' }),
    source: z.string().nullable().meta({ description: 'Its name; null with `delivery`.' }),
    cause: z
      .string()
      .meta({ description: 'The word of the outcome, or of the refusal.', example: 'destination_failed' }),
    status: z
      .int()
      .nullable()
      .meta({ description: 'HTTP status; null where there was no answer.', example: 500 }),
    mode: modeSchema,
    explanation: z.string().nullable().meta({ description: 'The cause in words.' }),
    state: state.meta({
      description:
        'open; acknowledged: someone knows; resolved: it is over, by a person or because three attempts (events) in a row went well and none waits; ignored: it is not told. One that was resolved and is seen again is open and `regressed`.',
    }),
    regressed: z.boolean(),
    firstSeenAt: timeText,
    lastSeenAt: timeText,
    openedAt: timeText.meta({ description: 'Since when it has been open this time.' }),
    failures: z.int().meta({ description: 'Failed attempts, or refused requests.' }),
    events: z.int().meta({ description: 'Events that they are of.' }),
    failing: z.object({
      count: z.int().meta({ description: 'Deliveries that wait after such a failure, or died of it.' }),
      orMore: z.boolean().meta({ description: `True: there are more; a list counts to ${listedFailing}.` }),
    }),
    sample: z
      .object({
        attempt: z.string().nullable().meta({ description: "An attempt's id." }),
        rejection: z.string().nullable().meta({ description: "A rejection's id; it may have expired." }),
      })
      .meta({ description: 'The newest failure.' }),
    changedBy: z
      .string()
      .nullable()
      .meta({ description: 'Who changed the state last; `recovery`: it recovered.' }),
    changedAt: timeText,
    ignoredUntil: timeText.nullable(),
    ignoredFailures: z.int().nullable().meta({ description: 'Ignored until it has so many failures.' }),
  })
  .meta({ id: 'Issue', description: 'What fails, or is refused, for one reason.' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/issues',
  name: 'listIssues',
  tag: 'Issues',
  summary: 'Issues, the one seen last first',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({
    state: state.optional(),
    kind: kind.optional(),
    destination: plainText(63).optional().meta({ description: "A destination's name or id." }),
    cursor,
    limit,
  }),
  status: 200,
  answerDescription: 'A page of issues.',
  answer: pageOf(issueSchema).meta({ id: 'IssuePage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const subjectId = query.destination
      ? await findDestinationId(store, organization.id, query.destination, signal)
      : ''
    const { issues, next } = await store.issues.listIssues(
      {
        organizationId: organization.id,
        state: query.state ? states[query.state] : IssueState.UNSPECIFIED,
        kind: query.kind ? kinds[query.kind] : IssueKind.UNSPECIFIED,
        subjectId,
        cursor: query.cursor ?? '',
        limit: Math.min(query.limit ?? 50, 200),
      },
      { signal },
    )
    return { items: issues.map(issue => presentIssue(issue, listedFailing)), next: next || null }
  },
})

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/issues/{issue}',
  name: 'getIssue',
  tag: 'Issues',
  summary: 'One issue, with its last day and what was changed before it',
  access: 'read',
  params: issueParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The issue.',
  answer: issueSchema
    .extend({
      trend: z
        .array(z.object({ hour: timeText, failures: z.int() }))
        .meta({ description: 'The last 24 hours, oldest first, without those in which nothing failed.' }),
      changes: z
        .array(z.object({ at: timeText, action: z.string(), actor: z.string() }))
        .meta({ description: 'Entries of the audit log about it, in the hour before it was opened.' }),
    })
    .meta({ id: 'IssueDetail' }),
  problems: [],
  async handle({ store, organization, params, signal }) {
    const { issue, trend, changes } = await store.issues.getIssue(
      { organizationId: organization.id, issueId: params.issue },
      { signal },
    )
    if (!issue) throw new TypeError('the store answered without the issue')
    return {
      ...presentIssue(issue, 10_000),
      trend: trend.map(({ hour, failures: count }) => ({
        hour: presentTimeOf(hour),
        failures: Number(count),
      })),
      changes: changes.map(({ at, action, actor }) => ({ at: presentTimeOf(at), action, actor })),
    }
  },
})

const changes = (
  [
    ['acknowledge', 'acknowledged', 'Say that someone knows of an issue'],
    ['resolve', 'resolved', 'Say that an issue is over'],
    ['reopen', 'open', 'Open an issue again'],
  ] as const
).map(([verb, wanted, summary]) =>
  operation({
    method: 'post',
    path: `/api/v1/organizations/{slug}/issues/{issue}/${verb}`,
    name: `${verb}Issue`,
    tag: 'Issues',
    summary,
    access: 'operate',
    params: issueParams,
    query: noQuery,
    status: 200,
    answerDescription: 'The issue, as it stands now.',
    answer: issueSchema,
    problems: [],
    handle: call => change(call, wanted),
  }),
)

const ignore = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/issues/{issue}/ignore',
  name: 'ignoreIssue',
  tag: 'Issues',
  summary: 'Say that an issue is not to be told',
  description:
    'Until a time, or for so many failures more; without either for good. Dead letters stay counted and listed.',
  access: 'operate',
  params: issueParams,
  query: noQuery,
  body: z
    .strictObject({
      until: time.optional().meta({ description: 'Until then.', example: '2030-03-01T12:00:00Z' }),
      failures: z.int().min(1).max(1_000_000_000).optional().meta({ description: 'For so many more.' }),
    })
    .optional(),
  status: 200,
  answerDescription: 'The issue, as it stands now.',
  answer: issueSchema,
  problems: [],
  async handle(call) {
    const { until } = call.body ?? {}
    if (until && timestampDate(until) <= new Date()) {
      const fault = { in: 'body', name: 'until', message: 'must be in the future' } as const
      throw new ApiError('request_invalid', undefined, { faults: [fault] })
    }
    return await change(call, 'ignored', call.body)
  },
})

async function change(
  { store, organization, params, change: by, write }: Call<{ issue: string }>,
  wanted: State,
  until: { until?: Timestamp | undefined; failures?: number | undefined } = {},
) {
  const { issue } = await store.issues.changeIssue(
    {
      organizationId: organization.id,
      issueId: params.issue,
      state: states[wanted],
      ...(until.until && { ignoredUntil: until.until }),
      ignoredFailures: BigInt(until.failures ?? 0),
      change: by,
    },
    write,
  )
  if (!issue) throw new TypeError('the store answered without the issue')
  return presentIssue(issue, 10_000)
}

export const issueOperations = [list, get, ...changes, ignore]

function presentIssue(issue: Issue, counted: number): z.input<typeof issueSchema> {
  const isDelivery = issue.kind === IssueKind.DELIVERY
  const { sampleDeliveryId, sampleNumber, sampleRejectionId } = issue
  return {
    id: issue.id,
    kind: isDelivery ? 'delivery' : 'refusal',
    destination: isDelivery ? issue.subject : null,
    source: isDelivery ? null : issue.subject,
    cause: issue.cause,
    mode: presentMode(issue.mode),
    status: issue.status || null,
    explanation: explanationOf(issue.cause),
    state: presentState(issue.state),
    regressed: issue.regressed,
    firstSeenAt: presentTimeOf(issue.firstSeenAt),
    lastSeenAt: presentTimeOf(issue.lastSeenAt),
    openedAt: presentTimeOf(issue.openedAt),
    failures: Number(issue.failures),
    events: Number(issue.events),
    failing: { count: Math.min(issue.failing, counted), orMore: issue.failing > counted },
    sample: {
      attempt: sampleDeliveryId ? `att_${sampleDeliveryId.slice('dlv_'.length)}-${sampleNumber}` : null,
      rejection: sampleRejectionId > 0n ? String(sampleRejectionId) : null,
    },
    changedBy: issue.changedBy || null,
    changedAt: presentTimeOf(issue.changedAt),
    ignoredUntil: presentTime(issue.ignoredUntil),
    ignoredFailures: Number(issue.ignoredFailures) || null,
  }
}

const explanationOf = (cause: string): string | null =>
  cause in failures ? failures[cause as keyof typeof failures] : null

function presentState(known: IssueState): State {
  for (const name of Object.keys(states) as State[]) if (states[name] === known) return name
  throw new TypeError(`the store has a state of issues that is not known here: ${known}`)
}
