import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { deliveryId, fromUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { IssueKind, IssueSchema, IssueState } from '@fairlead/wire/store/issue'
import { at } from '../organizations/messages.ts'
import { testCause } from '../project/write-issues.ts'

export const issueStates = {
  open: IssueState.OPEN,
  acknowledged: IssueState.ACKNOWLEDGED,
  resolved: IssueState.RESOLVED,
  ignored: IssueState.IGNORED,
} as const
export const issueKinds = { delivery: IssueKind.DELIVERY, refusal: IssueKind.REFUSAL } as const

/** An issue's row as pg reads it. */
export interface IssueRow {
  organization_id: string
  id: string
  kind: keyof typeof issueKinds
  subject_id: string
  /** Of test data with `testCause` before it. */
  cause: string
  mode: Mode
  status: number
  state: keyof typeof issueStates
  regressed: boolean
  first_seen_at: Date
  last_seen_at: Date
  opened_at: Date
  failures: string
  events: string
  sample_event_id: string | null
  sample_number: number | null
  sample_rejection: string | null
  changed_by: string
  changed_at: Date
  ignored_until: Date | null
  ignored_failures: string | null
  /** From the destination's or the source's row. */
  subject: string | null
  failing: number
}

/** The word of the outcome, or of the reason, of an issue. */
export const causeOf = ({ cause, mode }: Pick<IssueRow, 'cause' | 'mode'>): string =>
  mode === 'test' ? cause.slice(testCause.length) : cause

/** The same as SQL. @param i the issue */
export const outcomeOf = (i: string): string =>
  `case ${i}.mode when 'test' then substr(${i}.cause, ${testCause.length + 1}) else ${i}.cause end`

export const subjectIdOf = (row: Pick<IssueRow, 'kind' | 'subject_id'>): string =>
  row.kind === 'delivery' ? fromUuid('dst', row.subject_id) : fromUuid('src', row.subject_id)

export function issueMessage(row: IssueRow) {
  const ignored = row.state === 'ignored'
  return create(IssueSchema, {
    id: fromUuid('iss', row.id),
    kind: issueKinds[row.kind],
    subjectId: subjectIdOf(row),
    subject: row.subject ?? '',
    cause: causeOf(row),
    mode: row.mode,
    status: row.status,
    state: issueStates[row.state],
    regressed: row.regressed,
    firstSeenAt: timestampFromDate(row.first_seen_at),
    lastSeenAt: timestampFromDate(row.last_seen_at),
    openedAt: timestampFromDate(row.opened_at),
    failures: BigInt(row.failures),
    events: BigInt(row.events),
    failing: row.failing,
    sampleDeliveryId: row.sample_event_id
      ? deliveryId(fromUuid('evt', row.sample_event_id), fromUuid('dst', row.subject_id))
      : '',
    sampleNumber: row.sample_number ?? 0,
    sampleRejectionId: BigInt(row.sample_rejection ?? 0),
    changedBy: row.changed_by,
    changedAt: timestampFromDate(row.changed_at),
    ...at('ignoredUntil', ignored ? row.ignored_until : null),
    ...(ignored && row.ignored_failures !== null && { ignoredFailures: BigInt(row.ignored_failures) }),
  })
}
