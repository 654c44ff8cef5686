import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { decodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { type Rejection, RejectionSchema, type RejectionService } from '@fairlead/wire/store/rejection'
import { streamName } from '@fairlead/wire/streams'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { AckPolicy, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { requireId } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import type { Calls } from './calls.ts'
import { pageSize } from './page.ts'

/** Rejections are in JetStream only: a flood of bad requests must not reach Postgres. */
export function rejectionCalls(calls: Calls): ServiceImpl<typeof RejectionService> {
  return {
    async listRejections(request) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const limit = pageSize(request.limit, 100, 1000)
      if (request.source && !/^[a-z0-9-]+$/.test(request.source)) {
        throw new StoreError('invalid_field', 'source: is no name of a source', { field: 'source' })
      }
      const subject = rejectionsSubject(organization, request.source || '*')
      const messages = await readAll(calls, subject, request.omitBodies)
      const rejections = messages.flatMap(message => toRejection(message, request.omitBodies) ?? [])
      return { rejections: rejections.reverse().slice(0, limit) }
    },
  }
}

/** All messages of a subject, oldest first: at most 100 of each source. Throws a StoreError `nats_unavailable`. */
async function readAll(calls: Calls, subject: string, headersOnly: boolean): Promise<JsMsg[]> {
  try {
    const manager = await jetstreamManager(calls.nats, { checkAPI: false })
    const { name, num_pending } = await manager.consumers.add(streamName.rejections, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      filter_subject: subject,
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

/** Undefined for what can't be read: it is no use to anyone. */
function toRejection(message: JsMsg, omitBody: boolean): Rejection | undefined {
  try {
    const meta = decodeRejectionMeta(message.headers?.get(rejectionHeader))
    return create(RejectionSchema, {
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
    })
  } catch {
    return undefined
  }
}
