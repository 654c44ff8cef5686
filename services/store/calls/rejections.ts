import { create } from '@bufbuild/protobuf'
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { openPace } from '@fairlead/webhook/explain-pace'
import type { OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { maxKeptBytes } from '@fairlead/wire/rejection'
import { sealContext } from '@fairlead/wire/seal'
import {
  PromoteRejectionsResponseSchema,
  type Rejection,
  type RejectionFilter as RejectionFilterMessage,
  RejectionSchema,
  type RejectionService,
  TakeInRejectionResponseSchema,
  TakeOfferedSecretResponseSchema,
} from '@fairlead/wire/store/rejection'
import { rejectionsSubject, repeatsSubject } from '@fairlead/wire/subjects'
import { decodeCursor, encodeCursor, pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import { carryOut, type PromotionRow } from '../rejections/carry-out.ts'
import { openJudge } from '../rejections/judge.ts'
import {
  fitsFilter,
  type JudgedAll,
  judgeAll,
  mostPromoted,
  promotionEntry,
  type RejectionFilter,
  selectRejections,
  writePromotions,
} from '../rejections/promote.ts'
import {
  eraseRejection,
  modeOfRejection,
  readBack,
  readRejection,
  type StoredRejection,
} from '../rejections/read.ts'
import { openSummaries } from '../rejections/summarize.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, modeOf } from './calls.ts'
import { write } from './write.ts'

export function rejectionCalls(calls: Calls): ServiceImpl<typeof RejectionService> {
  const summarize = openSummaries(calls.nats, calls.keyring)
  return {
    async listRejections(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const limit = pageSize(request.limit, 100, 1000)
      const filter = filterOf(request, modeOf(context))
      const source = filter.source || '*'
      const found = await readBack(calls.nats, {
        subjects: [rejectionsSubject(organization, source), repeatsSubject(organization, source)],
        below: belowOf(request.cursor),
        limit: limit + 1,
        sinceMs: filter.afterMs,
        fits: fitsFilter(filter),
      })
      const shown = found.slice(0, limit)
      const rejections: Rejection[] = []
      for (const rejection of shown) {
        if (request.omitBodies) rejections.push(message(rejection))
        else {
          // Erased meanwhile: it is no longer there.
          const whole = await readRejection(calls.nats, organization, rejection.seq)
          if (whole) rejections.push(message(whole, true))
        }
      }
      return { rejections, next: found.length > limit ? encodeCursor(String(shown.at(-1)!.seq)) : '' }
    },

    async getRejection(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const rejection = await readRejection(calls.nats, organization, sequenceOf(request.id), modeOf(context))
      if (!rejection) throw new StoreError('not_found', 'there is no such rejection')
      return { rejection: message(rejection, true) }
    },

    async summarizeRejections(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const published = await calls.publisher.published(organization)
      const source = sourceName(request.source) || '*'
      return {
        sources: await summarize({
          organization,
          published,
          source,
          publicUrl: request.publicUrl,
          mode: modeOf(context),
        }),
      }
    },

    promoteRejections: (request, context) => promote(calls, request, context),

    async takeInRejection(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const notThere = () =>
        new StoreError('not_found', 'there is no such rejection, or it is none that could be taken in')
      const mode = modeOf(context)
      const rejection = await readRejection(calls.nats, organization, sequenceOf(request.id), mode)
      const judged = await judge(
        calls,
        organization,
        rejection?.meta.repeats ? [rejection.seq] : [],
        '',
        mode,
      )
      let rows: PromotionRow[] = []
      const answer = await write(calls, context, request, TakeInRejectionResponseSchema, async db => {
        const written = await writePromotions(db, organization, judged, { nowMs: calls.now(), mode })
        const [row] = written.rows
        // Of two calls at one time, the second finds it promoted.
        if (!row || !rejection) throw notThere()
        rows = written.rows
        const { eventId, source } = written.promoted[0]!
        const from = rejection.meta.repeats!.event
        return {
          answer: { eventId, source },
          entry: { action: 'rejection.taken_in', subjectId: eventId, details: { source, from } },
        }
      })
      await carryOutOrLeave(calls, rows)
      return answer
    },

    async takeOfferedSecret(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      let isFirst = false
      const answer = await write(calls, context, request, TakeOfferedSecretResponseSchema, async db => {
        await takeTurn(db, organization, request.id, noSecret)
        const rejection = await readRejection(
          calls.nats,
          organization,
          sequenceOf(request.id),
          modeOf(context),
        )
        const meta = rejection?.meta
        if (!meta?.offered) throw noSecret()
        const value = calls.keyring.open(meta.offered, sealContext.offeredSecret(organization, meta.source))
        isFirst = true
        return {
          answer: { source: meta.source, value },
          entry: {
            action: 'offered_secret.taken',
            subjectId: String(request.id),
            details: { source: meta.source },
          },
        }
      })
      // After the entry in the audit log is stored: a kill in between leaves the secret where it was, and an entry too many.
      const erased = await eraseRejection(calls.nats, sequenceOf(request.id))
      if (isFirst && !erased) throw noSecret()
      return answer
    },
  }
}

type PromoteRejections = ServiceImpl<typeof RejectionService>['promoteRejections']

async function promote(
  calls: Calls,
  request: Parameters<PromoteRejections>[0],
  context: HandlerContext,
): Promise<Awaited<ReturnType<PromoteRejections>>> {
  const organization = requireId('org', request.organizationId, 'organization_id')
  if (request.ids.length > mostPromoted) {
    throw new StoreError('invalid_field', `ids: must be at most ${mostPromoted}`, { field: 'ids' })
  }
  const mode = modeOf(context)
  const chosen = request.ids.length > 0 ? new Set(request.ids.map(sequenceOf)) : undefined
  const selected = chosen
    ? [...chosen]
    : (
        await selectRejections(
          calls.nats,
          organization,
          filterOf(request.filter, mode),
          belowOf(request.cursor),
        )
      ).map(({ seq }) => seq)
  const judged = await judge(calls, organization, selected, request.publicUrl, mode)
  let rows: PromotionRow[] = []
  const answer = await write(calls, context, request, PromoteRejectionsResponseSchema, async db => {
    const written = await writePromotions(db, organization, judged, { nowMs: calls.now(), mode })
    rows = written.rows
    if (chosen?.size === 1 && written.gone === 1) {
      throw new StoreError('not_found', 'there is no such rejection')
    }
    const left = [...judged.left, ...(written.gone > 0 ? [['not_there', written.gone] as const] : [])]
    const isCut = !chosen && selected.length === mostPromoted
    return {
      answer: {
        promoted: written.promoted.map(({ rejection, ...one }) => ({ id: BigInt(rejection), ...one })),
        left: left
          .map(([reason, rejections]) => ({ reason, rejections }))
          .sort((a, b) => b.rejections - a.rejections),
        next: isCut ? encodeCursor(String(selected.at(-1))) : '',
      },
      entry: promotionEntry(written.promoted),
    }
  })
  if (!request.dryRun) await carryOutOrLeave(calls, rows)
  return answer
}

/** With the configuration of now, letting others have their turn. Where requests are refused anyway, nothing passes. */
async function judge(
  calls: Calls,
  organization: OrganizationId,
  sequences: readonly number[],
  publicUrl: string,
  mode: Mode | undefined,
): Promise<JudgedAll> {
  const published = await calls.publisher.published(organization)
  const { config } = published ?? {}
  const closed = !config?.active
    ? 'organization_inactive'
    : config.quotaExceeded
      ? 'quota_exceeded'
      : undefined
  if (!published || closed) {
    return { promotable: [], left: new Map(closed ? [[closed, sequences.length]] : []), missing: [] }
  }
  const pace = openPace({ budgetMs: Number.POSITIVE_INFINITY })
  const judgeOne = openJudge(published, calls.keyring, publicUrl)
  return await judgeAll(calls.nats, organization, { sequences, mode }, judgeOne, pace.goOn)
}

/** What can't be carried out now is carried out later: it is written down. */
async function carryOutOrLeave(calls: Calls, rows: readonly PromotionRow[]): Promise<void> {
  await carryOut(calls, rows).catch((err: unknown) => {
    calls.log.warn({ err, promotions: rows.length }, 'promotions.open')
  })
}

function filterOf(
  message: Pick<RejectionFilterMessage, 'source' | 'reason' | 'after' | 'before'> | undefined,
  mode: Mode | undefined,
): RejectionFilter {
  const { source = '', reason = '', after, before } = message ?? {}
  return {
    source: sourceName(source),
    reason,
    mode,
    ...(after && { afterMs: timestampMs(after) }),
    ...(before && { beforeMs: timestampMs(before) }),
  }
}

/** It stands in a subject. */
function sourceName(text: string): string {
  if (text === '' || /^[a-z0-9-]+$/.test(text)) return text
  throw new StoreError('invalid_field', 'source: is no name of a source', { field: 'source' })
}

function belowOf(cursor: string): number | undefined {
  const [seq] = decodeCursor(cursor, 'sequence')
  return seq === undefined ? undefined : Number(seq)
}

/** What a number can't count to is not there: JetStream's sequences begin at 1. */
const sequenceOf = (id: bigint): number => Number(id < BigInt(Number.MAX_SAFE_INTEGER) ? id : 0n)

/** Of two calls for one rejection at one time, the second is told that there is nothing to take. */
async function takeTurn(
  db: Db,
  organization: string,
  rejection: bigint,
  refusal: () => StoreError,
): Promise<void> {
  const { rows } = await db.query<{ taken: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken',
    [JSON.stringify(['rejection', organization, String(rejection)])],
  )
  if (!rows[0]!.taken) throw refusal()
}

const noSecret = () => new StoreError('not_found', 'there is no such rejection, or it holds no secret')

function message({ seq, meta, body }: StoredRejection, withBody = false): Rejection {
  return create(RejectionSchema, {
    id: BigInt(seq),
    source: meta.source,
    provider: meta.provider,
    receivedAt: timestampFromMs(meta.receivedAt),
    reason: meta.reason,
    detail: meta.detail ?? '',
    method: meta.method,
    url: meta.url,
    headers: Array.from({ length: meta.headers.length / 2 }, (_, i) => ({
      name: meta.headers[2 * i] ?? '',
      value: meta.headers[2 * i + 1] ?? '',
    })),
    sizeBytes: BigInt(meta.size),
    ...(withBody && { body }),
    offersSecret: meta.offered !== undefined,
    repeatsEventId: meta.repeats?.event ?? '',
    canBeTakenIn: meta.repeats !== undefined && meta.size <= maxKeptBytes,
    publicUrls: [...(meta.publicUrls ?? [])],
    mode: modeOfRejection(meta),
  })
}
