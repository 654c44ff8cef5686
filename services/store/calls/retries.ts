import type { ServiceImpl } from '@connectrpc/connect'
import { deliveryId, fromUuid, toUuid } from '@fairlead/webhook/id'
import { ReplayState } from '@fairlead/wire/store/replay'
import {
  ChangeRetryResponseSchema,
  PlanRetryResponseSchema,
  type RetryService,
  StartRetryResponseSchema,
} from '@fairlead/wire/store/retry'
import { readIssue } from '../issues/read.ts'
import { decodeCursor, page, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import { updateProgress } from '../replay/progress.ts'
import {
  countLater,
  planRetry,
  type RetryRow,
  readPlanned,
  readRetry,
  retryMessage,
  startRetry,
} from '../retry/plan.ts'
import { selectedOf } from '../retry/select.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, modeOf, transact } from './calls.ts'
import { changeState } from './replays.ts'
import { write } from './write.ts'

const changes = {
  [ReplayState.PAUSED]: ['paused', 'retry.paused'],
  [ReplayState.RUNNING]: ['running', 'retry.resumed'],
  [ReplayState.CANCELLED]: ['cancelled', 'retry.cancelled'],
} as const

export function retryCalls(calls: Calls): ServiceImpl<typeof RetryService> {
  const idsOf = (request: { organizationId: string; retryId: string }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    retry: toUuid(requireId('rty', request.retryId, 'retry_id')),
  })

  return {
    async planRetry(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const selected = selectedOf(request.selection)
      return write(calls, context, request, PlanRetryResponseSchema, async db => {
        const { issueId } = request.selection ?? {}
        if (issueId) await readIssue(db, organization, requireId('iss', issueId, 'selection.issue_id'))
        const createdBy = (request.change?.actorName || request.change?.actorId) ?? ''
        const asked = {
          rate: request.ratePerSecond,
          start: request.start,
          createdBy,
          mode: modeOf(context),
        }
        const row = await planRetry(db, organization, selected, asked, new Date(calls.now()))
        const retry = retryMessage(row)
        const details = { planned: Number(row.matched), ratePerSecond: row.rate_per_second }
        return {
          answer: { retry, destinations: await readPlanned(db, row), first: await readFirst(db, row) },
          entry: request.start ? { action: 'retry.created', subjectId: retry.id, details } : undefined,
        }
      })
    },

    async startRetry(request, context) {
      const { organization, retry } = idsOf(request)
      return write(calls, context, request, StartRetryResponseSchema, async db => {
        const before = await readRetry(db, organization, retry)
        const row = await startRetry(db, organization, retry, new Date(calls.now()))
        const details = { planned: Number(row.matched), ratePerSecond: row.rate_per_second }
        return {
          answer: { retry: retryMessage(row), later: await countLater(db, organization, row) },
          entry: before.planned_until
            ? { action: 'retry.created', subjectId: request.retryId, details }
            : undefined,
        }
      })
    },

    async getRetry(request, context) {
      const { organization, retry } = idsOf(request)
      return transact(calls, context, organization, async db => {
        await updateProgress(db, toUuid(organization), retry)
        const row = await readRetry(db, organization, retry)
        return {
          retry: retryMessage(row),
          later: await countLater(db, organization, row),
          destinations: await readPlanned(db, row),
        }
      })
    },

    async listRetries(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const limit = pageSize(request.limit, 50, 500)
      const [at = null, id = null] = decodeCursor(request.cursor, 'time', 'uuid')
      return transact(calls, context, organization, async db => {
        const found = await db.query<RetryRow>(
          `select * from replays where organization_id = $1 and kind = 'retry' and planned_until is null
             and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
           order by created_at desc, id desc limit $4`,
          [toUuid(organization), at, id, limit + 1],
        )
        const { rows, next } = page(found.rows, limit, row => [row.created_at, row.id])
        return { retries: rows.map(retryMessage), next }
      })
    },

    async changeRetry(request, context) {
      const { organization, retry } = idsOf(request)
      const known = changes[request.state as keyof typeof changes]
      if (!known) {
        throw new StoreError('invalid_field', 'state: must be PAUSED, RUNNING or CANCELLED', {
          field: 'state',
        })
      }
      const [state, action] = known
      return write(calls, context, request, ChangeRetryResponseSchema, async db => {
        const before = await readRetry(db, organization, retry, true)
        if (before.planned_until && state !== 'cancelled') {
          throw new StoreError('replay_ended', 'it was not started: start its plan')
        }
        await changeState(
          db,
          organization,
          retry,
          state,
          state === 'cancelled' ? new Date(calls.now()) : null,
        )
        const row = await readRetry(db, organization, retry)
        const details = { published: Number(row.published), planned: Number(row.matched) }
        return {
          answer: { retry: retryMessage(row) },
          entry: { action, subjectId: request.retryId, details },
        }
      })
    },
  }
}

/** The first five that are tried. */
async function readFirst(db: Db, row: RetryRow): Promise<string[]> {
  const { rows } = await db.query<{ event_id: string; destination_id: string }>(
    `select event_id, destination_id from retry_items where organization_id = $1 and retry_id = $2
     order by received_at, event_id limit 5`,
    [row.organization_id, row.id],
  )
  return rows.map(item => deliveryId(fromUuid('evt', item.event_id), fromUuid('dst', item.destination_id)))
}
