import type { ServiceImpl } from '@connectrpc/connect'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { ReplayService } from '@fairlead/wire/store/replay'
import { decodeCursor, page, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import { createReplay } from '../replay/create.ts'
import { updateProgress } from '../replay/progress.ts'
import { hasEnded, type ReplayRow, replayMessage } from '../replay/rows.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'

export function replayCalls(calls: Calls): ServiceImpl<typeof ReplayService> {
  const idsOf = (request: { organizationId: string; replayId: string }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    replay: toUuid(requireId('rpl', request.replayId, 'replay_id')),
  })

  return {
    async createReplay(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, organization, async db => {
        const row = await createReplay(db, calls.nats, organization, request, calls.now())
        return { replay: replayMessage(row, await readNames(db, [row])) }
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
          `select * from replays where organization_id = $1
             and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
           order by created_at desc, id desc limit $4`,
          [toUuid(organization), at, id, limit + 1],
        )
        const { rows, next } = page(found.rows, limit, row => [row.created_at, row.id])
        const names = await readNames(db, rows)
        return { replays: rows.map(row => replayMessage(row, names)), next }
      })
    },

    async pauseReplay(request, context) {
      const { organization, replay } = idsOf(request)
      return transact(calls, context, organization, db => change(db, organization, replay, 'paused', null))
    },

    async resumeReplay(request, context) {
      const { organization, replay } = idsOf(request)
      return transact(calls, context, organization, db => change(db, organization, replay, 'running', null))
    },

    async cancelReplay(request, context) {
      const { organization, replay } = idsOf(request)
      const now = new Date(calls.now())
      return transact(calls, context, organization, db => change(db, organization, replay, 'cancelled', now))
    },
  }
}

/** Changes the state of a Replay that has not ended. Throws a StoreError `not_found` or `replay_ended`. */
async function change(
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
  return answer(db, row)
}

async function readReplay(db: Db, organization: OrganizationId, replay: string): Promise<ReplayRow> {
  const { rows } = await db.query<ReplayRow>('select * from replays where organization_id = $1 and id = $2', [
    toUuid(organization),
    replay,
  ])
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
