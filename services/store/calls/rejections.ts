import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import {
  decodeRejectionMeta,
  maxKeptBytes,
  type RejectionMeta,
  rejectionHeader,
} from '@fairlead/wire/rejection'
import { sealContext } from '@fairlead/wire/seal'
import {
  type Rejection,
  RejectionSchema,
  type RejectionService,
  TakeInRejectionResponseSchema,
  TakeOfferedSecretResponseSchema,
} from '@fairlead/wire/store/rejection'
import { streamName } from '@fairlead/wire/streams'
import { rejectionsSubject, repeatsSubject } from '@fairlead/wire/subjects'
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream'
import { pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { Calls } from './calls.ts'
import { notThere, takeIn } from './take-in.ts'
import { write } from './write.ts'

/** Rejections are in JetStream only: a flood of bad requests must not reach Postgres. */
export function rejectionCalls(calls: Calls): ServiceImpl<typeof RejectionService> {
  return {
    async listRejections(request) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const limit = pageSize(request.limit, 100, 1000)
      if (request.source && !/^[a-z0-9-]+$/.test(request.source)) {
        throw new StoreError('invalid_field', 'source: is no name of a source', { field: 'source' })
      }
      const source = request.source || '*'
      const subjects = [rejectionsSubject(organization, source), repeatsSubject(organization, source)]
      const messages = await readAll(calls, subjects, request.omitBodies)
      const rejections = messages.flatMap(message => toRejection(message, request.omitBodies) ?? [])
      return { rejections: rejections.reverse().slice(0, limit) }
    },

    async takeInRejection(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      let isFirst = false
      const answer = await write(calls, context, request, TakeInRejectionResponseSchema, async db => {
        await takeTurn(db, organization, request.id, notThere)
        const { eventId, source, from } = await takeIn(calls, db, organization, request.id)
        isFirst = true
        return {
          answer: { eventId, source },
          entry: { action: 'rejection.taken_in', subjectId: eventId, details: { source, from } },
        }
      })
      // After the commit: killed before, the call is made again, and the event's id is the same.
      const erased = await erase(calls, Number(request.id))
      if (isFirst && !erased) throw notThere()
      return answer
    },

    async takeOfferedSecret(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      let isFirst = false
      const answer = await write(calls, context, request, TakeOfferedSecretResponseSchema, async db => {
        await takeTurn(db, organization, request.id, noSecret)
        const messages = await readAll(calls, [rejectionsSubject(organization, '*')], true)
        const message = messages.find(({ seq }) => BigInt(seq) === request.id)
        const meta = message && readMeta(message)
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
      const erased = await erase(calls, Number(request.id))
      if (isFirst && !erased) throw noSecret()
      return answer
    },
  }
}

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

/** All messages of some subjects, oldest first: at most 100 of each. Throws a StoreError `nats_unavailable`. */
async function readAll(calls: Calls, subjects: string[], headersOnly: boolean): Promise<JsMsg[]> {
  try {
    const manager = await jetstreamManager(calls.nats, { checkAPI: false })
    const { name, num_pending } = await manager.consumers.add(streamName.rejections, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      filter_subjects: subjects,
      headers_only: headersOnly,
      mem_storage: true,
      inactive_threshold: 10 * 1e9,
    })
    const messages: JsMsg[] = []
    if (num_pending > 0) {
      const consumer = await jetstream(calls.nats).consumers.get(streamName.rejections, name)
      const batch = await consumer.fetch({ max_messages: num_pending, expires: 5_000 })
      for await (const message of batch) {
        messages.push(message)
        if (messages.length === num_pending) break
      }
    }
    await manager.consumers.delete(streamName.rejections, name)
    return messages
  } catch (cause) {
    throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
  }
}

/** Answers false where it is gone already: of two calls one gets the secret. Throws a StoreError `nats_unavailable`. */
async function erase(calls: Calls, seq: number): Promise<boolean> {
  try {
    const manager = await jetstreamManager(calls.nats, { checkAPI: false })
    // Overwritten on the disk, not only marked as deleted.
    return await manager.streams.deleteMessage(streamName.rejections, seq, true)
  } catch (cause) {
    if (cause instanceof JetStreamApiError && cause.code === noSuchMessage) return false
    throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
  }
}

/** JetStream's err_code 10057, "no message found", which a second deletion answers too. */
const noSuchMessage = 10_057

/** Undefined for a message that can't be read, which is left out. */
function readMeta(message: JsMsg): RejectionMeta | undefined {
  try {
    return decodeRejectionMeta(message.headers?.get(rejectionHeader))
  } catch {
    return undefined
  }
}

function toRejection(message: JsMsg, omitBody: boolean): Rejection | undefined {
  const meta = readMeta(message)
  return (
    meta &&
    create(RejectionSchema, {
      id: BigInt(message.seq),
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
      ...(!omitBody && { body: message.data }),
      offersSecret: meta.offered !== undefined,
      repeatsEventId: meta.repeats?.event ?? '',
      canBeTakenIn: meta.repeats !== undefined && meta.size <= maxKeptBytes,
    })
  )
}
