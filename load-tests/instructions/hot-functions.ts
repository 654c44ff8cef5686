import { hostname } from 'node:os'
import { fold } from '@fairlead/store/project/fold'
import { openKeeper } from '@fairlead/telemetry/keep'
import { attemptSpan, logFields, spanOfEventTrace, traceparentOf } from '@fairlead/telemetry/trace-ids'
import { deliveryId, fromUuid } from '@fairlead/webhook/id'
import { compileRoutes } from '@fairlead/webhook/match'
import { openScheme } from '@fairlead/webhook/open'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import { retryAfterCapMs, retryPresets, settle } from '@fairlead/webhook/settle'
import { openSigningSecret, signDelivery } from '@fairlead/webhook/sign'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import { encodeFields } from '@fairlead/wire/encode-headers'
import { decodeEventMeta, type EventMeta, encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { openForwardPolicy } from '@fairlead/worker/delivery/forward'
import { prepareHeaders } from '@fairlead/worker/delivery/prepare'

/**
 * The functions that every webhook passes, each with the same input every time. Run under callgrind, which writes down its
 * count whenever the host's name is asked for: that marks where a phase begins (`count-instructions.ts`).
 */
const nowMs = 1_700_000_000_000
const body = `{"ref":"refs/heads/main","padding":"${'x'.repeat(2_200)}"}`
const uuid = '018bcfe5-6800-7000-8000-0123456789ab'
const secret = 'test-only-secret'
const request = sampleRequest('github', { secret, nowMs, random: () => 0.5, body })
const scheme = openScheme({ provider: 'github', secrets: [secret] })
const keys = [openSigningSecret(`whsec_${Buffer.alloc(32, 7).toString('base64')}`)]
const bytes = Buffer.from(body)
const meta: EventMeta = {
  id: fromUuid('evt', uuid),
  organization: fromUuid('org', uuid),
  source: 'github',
  sourceId: fromUuid('src', uuid),
  provider: 'github',
  revision: 1,
  type: 'push',
  receivedAt: nowMs,
  method: 'POST',
  url: '/webhooks/acme/github',
  headers: Object.entries(request.headers).flat() as string[],
  size: bytes.length,
  secret: 'acme/github',
}
const text = encodeEventMeta(meta)
const destination = fromUuid('dst', uuid)
const delivery = deliveryId(meta.id, destination)
const match = compileRoutes([
  { source: 'stripe', eventTypes: ['invoice.*'], destinations: ['billing'] },
  { source: 'git*', eventTypes: ['push', 'pull_request.*'], destinations: ['ci', 'audit'] },
])
const policy = { delaysMs: retryPresets.default, retryAfterCapMs }
const forward = openForwardPolicy({
  scheme: { credentials: [], signatures: ['x-hub-signature-256'] },
  forwardCredentials: false,
  replaced: [],
})
const keeper = openKeeper(0.01, () => {})
// The receiver has it from the digest that the id is made of.
const traceId = uuid.replaceAll('-', '')
const attempt = { event: meta.id, delivery, attempt: 1, trigger: 'route' }
const traceparent = traceparentOf(attemptSpan(attempt), false)
const records = Array.from(
  { length: 10 },
  (_, i): AttemptRecord => ({
    kind: 'attempted',
    organization: meta.organization,
    event: meta.id,
    eventSeq: 1,
    receivedAt: nowMs,
    delivery,
    destination,
    of: 1,
    number: i + 1,
    trigger: 'route',
    at: nowMs + i,
    durationMs: 3,
    outcome: 'delivered',
    status: 200,
    settlement: { kind: 'delivered' },
  }),
)

const functions: Readonly<Record<string, () => unknown>> = {
  verify: () => scheme.verify(request, nowMs),
  match: () => match('github', 'push'),
  settle: () => settle({ kind: 'destination_failed', status: 500 }, 2, policy, nowMs, 0.5),
  sign: () => signDelivery(meta.id, nowMs / 1000, bytes, keys),
  prepare: () =>
    prepareHeaders(
      meta,
      bytes,
      { delivery, attempt: 1, trigger: 'route' },
      {
        organization: 'acme',
        keys,
        extraHeaders: ['x-token', 'test-only'],
        forward,
        traceparent,
        nowMs,
      },
    ),
  encode: () => encodeFields({ [eventHeader]: encodeEventMeta(meta) }),
  decode: () => decodeEventMeta(text),
  fold: () => fold(records, []),
  // Of both processes, with a collector and the default ratio: a webhook whose trace is not kept.
  trace() {
    const isKept = keeper.samples(meta.id) || keeper.samples(meta.id) || keeper.samples(meta.id)
    const received = logFields(spanOfEventTrace(traceId, 'receive'), isKept)
    const span = attemptSpan(attempt)
    return [received, traceparentOf(span, keeper.samples(meta.id)), logFields(span, isKept)]
  },
}

/** Each function has some phases, of which the cheapest counts: what the runtime does once in a while only adds. */
const phases = 4
const calls = 100

/** Taken off: the loop, and the mark itself. */
const measured = { nothing: () => undefined, ...functions }
for (const run of Object.values(measured)) {
  for (let phase = 0; phase < phases; phase++) {
    // Nothing is collected in a phase: its memory fits into the young generation.
    globalThis.gc?.()
    for (let i = 0; i < 10; i++) run()
    hostname()
    for (let i = 0; i < calls; i++) run()
    hostname()
  }
}
process.stdout.write(JSON.stringify({ names: Object.keys(measured), phases, calls }))
