import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import type { Change } from '@fairlead/wire/store/change'
import { ChangeIssueResponseSchema, type IssueService } from '@fairlead/wire/store/issue'
import { wordOf } from '../events/rows.ts'
import { listIssues, readChangesBefore, readIssue, readTrend } from '../issues/read.ts'
import { causeOf, type IssueRow, issueMessage, issueStates } from '../issues/rows.ts'
import { requireId } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'
import { write } from './write.ts'

const actions = {
  open: 'issue.reopened',
  acknowledged: 'issue.acknowledged',
  resolved: 'issue.resolved',
  ignored: 'issue.ignored',
} as const

export function issueCalls(calls: Calls): ServiceImpl<typeof IssueService> {
  const idsOf = (request: { organizationId: string; issueId: string }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    issue: requireId('iss', request.issueId, 'issue_id'),
  })

  return {
    async listIssues(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const page = await transact(calls, context, organization, db => listIssues(db, organization, request))
      return { issues: page.rows.map(issueMessage), next: page.next }
    },

    async getIssue(request, context) {
      const { organization, issue } = idsOf(request)
      return transact(calls, context, organization, async db => {
        const row = await readIssue(db, organization, issue)
        const trend = await readTrend(db, row, new Date(calls.now()))
        const changes = await readChangesBefore(db, row)
        return {
          issue: issueMessage(row),
          trend: trend.map(({ hour, failures }) => ({
            hour: timestampFromDate(hour),
            failures: BigInt(failures),
          })),
          changes: changes.map(({ at, action, actor }) => ({ at: timestampFromDate(at), action, actor })),
        }
      })
    },

    async changeIssue(request, context) {
      const { organization, issue } = idsOf(request)
      const state = wordOf(issueStates, request.state)
      if (!state) throw new StoreError('invalid_field', 'state: is missing', { field: 'state' })
      const until = request.ignoredUntil && timestampDate(request.ignoredUntil)
      if (until && until.getTime() <= calls.now()) {
        throw new StoreError('invalid_field', 'ignored_until: must be in the future', {
          field: 'ignored_until',
        })
      }
      return write(calls, context, request, ChangeIssueResponseSchema, async db => {
        const known = await readIssue(db, organization, issue, true)
        if (known.state === state && state !== 'ignored') return { answer: { issue: issueMessage(known) } }
        await db.query(
          `update issues set state = $3::text, changed_by = $4, changed_at = $5::timestamptz,
             resolved_at = case when $3::text = 'resolved' then $5::timestamptz end, ignored_until = $6,
             ignored_failures = failures + $7::bigint, recovered_count = 0,
             regressed = regressed and $3::text <> 'resolved',
             opened_at = case when $3::text = 'open' then $5::timestamptz else opened_at end
           where organization_id = $1 and id = $2`,
          [
            toUuid(organization),
            toUuid(issue),
            state,
            actorName(request.change),
            new Date(calls.now()),
            state === 'ignored' ? (until ?? null) : null,
            state === 'ignored' && request.ignoredFailures > 0n ? String(request.ignoredFailures) : null,
          ],
        )
        const changed = await readIssue(db, organization, issue)
        return {
          answer: { issue: issueMessage(changed) },
          entry: { action: actions[state], subjectId: issue, details: detailsOf(changed) },
        }
      })
    },
  }
}

const detailsOf = (row: IssueRow) => ({
  ...(row.subject && { subject: row.subject }),
  cause: causeOf(row),
  ...(row.mode === 'test' && { mode: row.mode }),
  ...(row.status > 0 && { status: row.status }),
})

const actorName = (change: Change | undefined): string => (change?.actorName || change?.actorId) ?? ''
