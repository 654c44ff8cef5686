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
import { carryOut } from '../rejections/carry-out.ts'
import { openJudge } from '../rejections/judge.ts'
import { readBack } from '../rejections/look-back.ts'
import { pin } from '../rejections/pin.ts'
import {
  fitsFilter,
  type JudgedAll,
  type Judging,
  judgeAll,
  mostPromoted,
  promotionEntry,
  type RejectionFilter,
  selectRejections,
  writePromotions,
} from '../rejections/promote.ts'
import type { PromotionRow } from '../rejections/promotion-row.ts'
import { eraseRejection, modeOfRejection, readRejection, type StoredRejection } from '../rejections/read.ts'
import { openSummaries } from '../rejections/summarize.ts'
import { openVerifying, type TakeVerifying } from '../rejections/verifying.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, modeOf } from './calls.ts'
import { keptAnswer, write } from './write.ts'

export function rejectionCalls(calls: Calls): ServiceImpl<typeof RejectionService> {
  const takeVerifying = openVerifying()
  const summarize = openSummaries(calls.nats, calls.keyring, takeVerifying)
  return {
    async listRejections(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const limit = pageSize(request.limit, 100, 1000)
      const filter = filterOf(request, modeOf(context))
      const source = filter.source || '*'
      const page = await readBack(calls.nats, {
        subjects: [rejectionsSubject(organization, source), repeatsSubject(organization, source)],
        below: belowOf(request.cursor),
        limit,
        sinceMs: filter.afterMs,
        fits: fitsFilter(filter),
        signal: context.signal,
      })
      const rejections: Rejection[] = []
      for (const rejection of page.rejections) {
        if (request.omitBodies) rejections.push(message(rejection))
        else {
          // Erased meanwhile: it is no longer there.
          const whole = await readRejection(calls.nats, organization, rejection.seq)
          if (whole) rejections.push(message(whole, true))
        }
      }
      return { rejections, next: cursorOf(page.below) }
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
          signal: context.signal,
        }),
      }
    },

    promoteRejections: (request, context) => promote(calls, takeVerifying, request, context),

    async takeInRejection(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const notThere = () =>
        new StoreError('not_found', 'there is no such rejection, or it is none that could be taken in')
      const mode = modeOf(context)
      const kept = await keptAnswer(calls, context, request, TakeInRejectionResponseSchema)
      if (kept) return kept
      const rejection = await readRejection(calls.nats, organization, sequenceOf(request.id), mode)
      const sequences = rejection?.meta.repeats ? [rejection.seq] : []
      const judged = await judge(calls, organization, { sequences, mode, signal: context.signal }, '')
      let rows: PromotionRow[] = []
      const answer = await write(calls, context, request, TakeInRejectionResponseSchema, async db => {
        const writing = { nowMs: calls.now(), mode, pin: pinOf(calls) }
        const written = await writePromotions(db, organization, judged, writing)
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
  takeVerifying: TakeVerifying,
  request: Parameters<PromoteRejections>[0],
  context: HandlerContext,
): Promise<Awaited<ReturnType<PromoteRejections>>> {
  const organization = requireId('org', request.organizationId, 'organization_id')
  if (request.ids.length > mostPromoted) {
    throw new StoreError('invalid_field', `ids: must be at most ${mostPromoted}`, { field: 'ids' })
  }
  const kept = await keptAnswer(calls, context, request, PromoteRejectionsResponseSchema)
  if (kept) return kept
  const mode = modeOf(context)
  const chosen = request.ids.length > 0 ? new Set(request.ids.map(sequenceOf)) : undefined
  const { judged, below } = await judgeChosen(calls, takeVerifying, request, context, chosen)
  let rows: PromotionRow[] = []
  const answer = await write(calls, context, request, PromoteRejectionsResponseSchema, async db => {
    const writing = { nowMs: calls.now(), mode, pin: pinOf(calls, request.dryRun) }
    const written = await writePromotions(db, organization, judged, writing)
    rows = written.rows
    if (chosen?.size === 1 && written.gone === 1) {
      throw new StoreError('not_found', 'there is no such rejection')
    }
    // Of reasons with as many, that of the oldest first.
    const left = [...judged.left].reverse()
    if (written.gone > 0) left.push(['not_there', written.gone])
    // Of a filter, the next page has them.
    if (chosen && judged.unchecked.length > 0) left.push(['unchecked', judged.unchecked.length])
    return {
      answer: {
        promoted: written.promoted.map(({ rejection, ...one }) => ({ id: BigInt(rejection), ...one })),
        left: left
          .map(([reason, rejections]) => ({ reason, rejections }))
          .sort((a, b) => b.rejections - a.rejections),
        next: cursorOf(below),
      },
      entry: promotionEntry(written.promoted),
    }
  })
  if (!request.dryRun) await carryOutOrLeave(calls, rows)
  return answer
}

/**
 * Verifies those that a call asks for, or the newest of its filter. With several, the organization waits for its turn: one alone is
 * little work.
 */
async function judgeChosen(
  calls: Calls,
  takeVerifying: TakeVerifying,
  request: Parameters<PromoteRejections>[0],
  context: HandlerContext,
  chosen: ReadonlySet<number> | undefined,
): Promise<{ judged: JudgedAll; below: number | undefined }> {
  const { signal } = context
  const organization = requireId('org', request.organizationId, 'organization_id')
  const mode = modeOf(context)
  const { publicUrl } = request
  const filter = filterOf(request.filter, mode)
  const below = belowOf(request.cursor)
  using _turn = chosen?.size === 1 ? undefined : await takeVerifying(organization, signal)
  if (chosen) {
    const judged = await judge(calls, organization, { sequences: [...chosen], mode, signal }, publicUrl)
    return { judged, below: undefined }
  }
  const page = await selectRejections(calls.nats, organization, filter, { below, signal })
  const sequences = page.rejections.map(({ seq }) => seq)
  const judged = await judge(calls, organization, { sequences, mode, signal }, publicUrl)
  const [newestUnchecked] = judged.unchecked
  return { judged, below: newestUnchecked === undefined ? page.below : newestUnchecked + 1 }
}

/** How long one call may verify, ms: half of its deadline. At least one rejection is verified. */
const verifyingMs = 5_000

/** With the configuration of now, letting others have their turn. Where requests are refused anyway, nothing passes. */
async function judge(
  calls: Calls,
  organization: OrganizationId,
  judging: Judging,
  publicUrl: string,
): Promise<JudgedAll> {
  const published = await calls.publisher.published(organization)
  const { config } = published ?? {}
  const closed = !config?.active
    ? 'organization_inactive'
    : config.quotaExceeded
      ? 'quota_exceeded'
      : undefined
  if (!published || closed) {
    const left = new Map(closed ? [[closed, judging.sequences.length]] : [])
    return { promotable: [], left, missing: [], unchecked: [] }
  }
  const pace = openPace({ budgetMs: verifyingMs })
  const judgeOne = openJudge(published, calls.keyring, publicUrl)
  return await judgeAll(calls.nats, organization, judging, judgeOne, pace.goOn)
}

/** Copies records before the transaction ends in which their promotion is written down. A dry run copies none. */
const pinOf = ({ nats }: Calls, isDry = false) =>
  isDry ? undefined : (rows: readonly PromotionRow[]) => pin(nats, rows)

/** Publishes planned promotions. Those that fail stay in their table, and a later round publishes them. */
async function carryOutOrLeave(calls: Calls, rows: readonly PromotionRow[]): Promise<void> {
  const { failures } = await carryOut(calls, rows).catch((err: unknown) => ({ failures: [err] }))
  const [err] = failures
  if (failures.length > 0) calls.log.warn({ err, promotions: rows.length }, 'promotions.open')
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

const cursorOf = (below: number | undefined): string =>
  below === undefined ? '' : encodeCursor(String(below))

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
