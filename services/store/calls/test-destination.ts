import type { MessageInitShape } from '@bufbuild/protobuf'
import type { HandlerContext } from '@connectrpc/connect'
import { eventId, fromUuid, newId, type OrganizationId } from '@fairlead/webhook/id'
import {
  type DestinationTestAnswer,
  decodeDestinationTestAnswer,
  destinationTestMs,
  destinationTestSubject,
  testSource,
  testType,
} from '@fairlead/wire/destination-test'
import { type TestDestinationRequest, TestDestinationResponseSchema } from '@fairlead/wire/store/destination'
import { exchangeMessage } from '../events/find-exchange.ts'
import { readOrganization, type StoredDestination } from '../organizations/read.ts'
import { requireId } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'
import { requireThere } from './settings.ts'
import { write } from './write.ts'

/** What a worker's answer may take beyond the test itself, ms: its wait for the configuration, and the way. */
const graceMs = 3_000

/**
 * Asks the workers for a test, outside of any transaction, and writes down that it was made. A repeat with the same idempotency
 * key is sent anew, and answered with the first answer.
 */
export async function testDestination(
  calls: Calls,
  context: HandlerContext,
  request: TestDestinationRequest,
): Promise<MessageInitShape<typeof TestDestinationResponseSchema>> {
  const id = requireId('org', request.organizationId, 'organization_id')
  const destination = await transact(calls, context, id, async db => {
    const organization = await readOrganization(db, id)
    return requireThere(organization?.destinations ?? [], 'dst', request.destination)
  })
  const notTestable = reasonAgainst(destination)
  if (notTestable) throw new StoreError('not_testable', notTestable)
  const nowMs = calls.now()
  const delivery = newId('dlv', nowMs)
  const event = eventId(id, testSource, { id: delivery })
  const body = JSON.stringify({
    id: event,
    type: testType,
    createdAt: new Date(nowMs).toISOString(),
    data: {
      message: 'A test of this destination. It is no event: nothing happened.',
      destination: destination.name,
    },
  })
  const answer = await ask(calls, id, {
    organization: id,
    destination: fromUuid('dst', destination.id),
    revision: await calls.publisher.revisionOf(id),
    event,
    source: testSource,
    sourceId: newId('src', nowMs),
    delivery,
    body,
  })
  const { outcome, status = 0, reason = '', durationMs } = answer
  const exchange = exchangeMessage(answer.exchange)
  return await write(calls, context, request, TestDestinationResponseSchema, async () => ({
    answer: {
      outcome,
      status,
      reason,
      durationMs: Math.max(0, Math.round(durationMs)),
      ...(exchange && { exchange }),
      eventId: event,
      body,
    },
    entry: {
      action: 'destination.tested',
      subjectId: fromUuid('dst', destination.id),
      details: { destination: destination.name, outcome, ...(status > 0 && { status }) },
    },
  }))
}

function reasonAgainst({ kind, active }: StoredDestination): string | undefined {
  if (!active) return 'it is not active: nothing is sent to it'
  if (kind === 'processor') return 'a built-in processor has no address to send a test to'
  return undefined
}

/** Throws a StoreError `test_untaken`, `test_busy` or `not_testable`. */
async function ask(
  calls: Calls,
  organization: OrganizationId,
  test: object,
): Promise<Extract<DestinationTestAnswer, { kind: 'sent' }>> {
  const answer = await calls.nats
    .request(destinationTestSubject, JSON.stringify(test), { timeout: destinationTestMs + graceMs })
    .then(message => decodeDestinationTestAnswer(message.data))
    .catch((cause: unknown) => {
      calls.log.warn({ err: cause, organizationId: organization }, 'test.untaken')
      throw new StoreError('test_untaken', 'no worker took the test', { cause })
    })
  switch (answer.kind) {
    case 'sent':
      return answer
    case 'busy':
      throw new StoreError('test_busy', 'too many tests are under way')
    case 'absent':
      throw new StoreError('not_testable', 'it is not in force')
    default:
      throw new TypeError(`unknown answer ${answer satisfies never}`)
  }
}
