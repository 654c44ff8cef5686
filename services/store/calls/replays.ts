import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import {
  type CancelReplayRequest,
  type CreateReplayRequest,
  CreateReplayResponseSchema,
  type PauseReplayRequest,
  PauseReplayResponseSchema,
  type Replay,
  type ReplayService,
  type ResumeReplayRequest,
} from '@fairlead/wire/store/replay'
import type { AuditEntry } from '../audit.ts'
import { decodeCursor, page, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import { createReplay } from '../replay/create.ts'
import { updateProgress } from '../replay/progress.ts'
import { hasEnded, type ReplayRow, replayMessage } from '../replay/rows.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, modeOf, transact } from './calls.ts'
import { write } from './write.ts'

const actions = {
  paused: 'replay.paused',
  running: 'replay.resumed',
  cancelled: 'replay.cancelled',
} as const

export function replayCalls(calls: Calls): ServiceImpl<typeof ReplayService> {
  const idsOf = (request: { organizationId: string; replayId: string }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    replay: toUuid(requireId('rpl', request.replayId, 'replay_id')),
  })

  async function change(
    request: PauseReplayRequest | ResumeReplayRequest | CancelReplayRequest,
    context: HandlerContext,
    state: keyof typeof actions,
  ) {
    const { organization, replay } = idsOf(request)
    const endedAt = state === 'cancelled' ? new Date(calls.now()) : null
    const { replay: changed } = await write(calls, context, request, PauseReplayResponseSchema, async db => {
      await readReplay(db, organization, replay)
      const row = await changeState(db, organization, replay, state, endedAt)
      const details = { published: Number(row.published), matched: Number(row.matched) }
      return {
        answer: await answer(db, row),
        entry: { action: actions[state], subjectId: request.replayId, details },
      }
    })
    return changed ? { replay: changed } : {}
  }

  return {
    async createReplay(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      return write(calls, context, request, CreateReplayResponseSchema, async db => {
        const nowMs = calls.now()
        const row = await createReplay(db, calls.nats, organization, request, nowMs, modeOf(context))
        const replay = replayMessage(row, await readNames(db, [row]))
        // A Replay that this request id made before has its entry in the audit log already.
        const isNew = replay.id && row.created_at.getTime() === nowMs
        return { answer: { replay }, entry: isNew ? entryOf(request, replay) : undefined }
      })
    },

    async getReplay(request, context) {
      const { organization, replay } = idsOf(request)
      return transact(calls, context, organization, async db => {
        await updateProgress(db, toUuid(organization), replay)
        return answer(db, await readReplay(db, organization, replay))
      })
    },

    async listReplays(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const limit = pageSize(request.limit, 50, 500)
      const [at = null, id = null] = decodeCursor(request.cursor, 'time', 'uuid')
      return transact(calls, context, organization, async db => {
        const found = await db.query<ReplayRow>(
          `select * from replays where organization_id = $1 and kind = 'replay'
             and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
           order by created_at desc, id desc limit $4`,
          [toUuid(organization), at, id, limit + 1],
        )
        const { rows, next } = page(found.rows, limit, row => [row.created_at, row.id])
        const names = await readNames(db, rows)
        return { replays: rows.map(row => replayMessage(row, names)), next }
      })
    },

    pauseReplay: (request, context) => change(request, context, 'paused'),
    resumeReplay: (request, context) => change(request, context, 'running'),
    cancelReplay: (request, context) => change(request, context, 'cancelled'),
  }
}

function entryOf({ selector, ofDeadLetters, createdBy }: CreateReplayRequest, replay: Replay): AuditEntry {
  const { sources = [], types = [] } = selector ?? {}
  const { destinations, ratePerSecond } = replay
  return {
    action: ofDeadLetters ? 'dead_letter.replayed' : 'replay.created',
    subjectId: replay.id,
    details: { sources, types, destinations, matched: Number(replay.matched), ratePerSecond },
    owner: createdBy || undefined,
  }
}

/** Changes the state of a Replay that has not ended. Throws a StoreError `not_found` or `replay_ended`. */
export async function changeState(
  db: Db,
  organization: OrganizationId,
  replay: string,
  state: 'paused' | 'running' | 'cancelled',
  endedAt: Date | null,
) {
  const { rows } = await db.query<ReplayRow>(
    `update replays set ended_at = $4,
       state = case when $3 = 'running' and started_at is null then 'pending' else $3::replay_state end
     where organization_id = $1 and id = $2 and ended_at is null returning *`,
    [toUuid(organization), replay, state, endedAt],
  )
  const row = rows[0] ?? (await readReplay(db, organization, replay))
  if (hasEnded(row) && row.state !== state) {
    throw new StoreError('replay_ended', `this Replay is ${row.state}: make a new one`)
  }
  return row
}

async function readReplay(db: Db, organization: OrganizationId, replay: string): Promise<ReplayRow> {
  const { rows } = await db.query<ReplayRow>(
    "select * from replays where organization_id = $1 and id = $2 and kind = 'replay'",
    [toUuid(organization), replay],
  )
  if (rows[0]) return rows[0]
  throw new StoreError('not_found', 'there is no such Replay')
}

const answer = async (db: Db, row: ReplayRow) => ({ replay: replayMessage(row, await readNames(db, [row])) })

/** Names of all destinations that Replays name, also of deleted ones, by UUID. */
async function readNames(db: Db, replays: readonly ReplayRow[]): Promise<Map<string, string>> {
  const ids = replays.flatMap(row => row.destination_ids ?? [])
  if (ids.length === 0) return new Map()
  const { rows } = await db.query<{ id: string; name: string }>(
    'select id, name from destinations where id = any($1::uuid[])',
    [ids],
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}
