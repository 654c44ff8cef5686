import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@fairlead/servers/processes'
import { MemberRole } from '@fairlead/wire/store/member'
import { expect, test } from 'vitest'
import { type OtlpSink, type ReceivedSpan, startOtlpSink } from './otlp-sink.ts'
import { scratchFolder } from './scratch.ts'
import { startService } from './service.ts'
import { startTestStore } from './store.ts'
import { until } from './until.ts'

const caller = { traceId: 'a1'.repeat(16), spanId: 'b2'.repeat(8) }
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`
const organization = `
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: acme }
spec: { displayName: Acme }
`

/** The store in this process, API and operator as processes of their own, and a collector. */
async function openParts(env: Record<string, string>) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await scratchFolder()).path
  const collector = stack.use(await startOtlpSink())
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20', ...env }
  const store = stack.use(await startTestStore({ env: tracing }))
  const { key } = await store.client.apiKeys.createApiKey({
    organizationId: '',
    name: 'test',
    role: MemberRole.OWNER,
  })
  const port = await freePort()
  const shared = { FAIRLEAD_STORE_URL: store.url, ...tracing }
  const api = { FAIRLEAD_API_PORT: String(port), FAIRLEAD_API_HOST: '127.0.0.1' }
  const logFolder = folder
  stack.use(
    startService({ name: 'api', main: 'services/api/main.ts', logFolder, env: { ...shared, ...api } }),
  )
  const declared = stack.use(await scratchFolder()).path
  await writeFile(join(declared, 'acme.yaml'), organization)
  const files = { FAIRLEAD_ORGANIZATIONS: declared, FAIRLEAD_HOME: folder }
  stack.use(
    startService({ name: 'operator', main: 'operator/main.ts', logFolder, env: { ...shared, ...files } }),
  )
  const ask = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { traceparent, ...headers } })).status
  const signedIn = { authorization: `Bearer ${key}` }
  await until(async () => (await ask('/api/v1/organizations/acme', signedIn).catch(() => 0)) === 200, {
    deadlineMs: 60_000,
    everyMs: 100,
    what: 'the organization in the API',
  })
  const held = stack.move()
  return { collector, store, ask, signedIn, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const named = (name: string) => (span: ReceivedSpan) => span.name === name
const getOrganization = 'fairlead.store.v1.OrganizationService/GetOrganization'

/** The two ends of a call that was made under a span. */
async function callUnder(collector: OtlpSink, { traceId, spanId }: ReceivedSpan, name: string) {
  const inTrace = (span: ReceivedSpan) => span.traceId === traceId && span.name === name
  const [client] = await collector.waitFor(
    span => inTrace(span) && span.kind === 'client' && span.parentSpanId === spanId,
  )
  const [server] = await collector.waitFor(
    span => inTrace(span) && span.kind === 'server' && span.parentSpanId === client!.spanId,
  )
  return { client: client!, server: server! }
}

test('at the ratio 1 a request and a reconciliation are whole traces, each call with both of its ends', async () => {
  await using parts = await openParts({ OTEL_TRACES_SAMPLER: 'always_on' })
  const { collector } = parts
  const [request] = await collector.waitFor(
    span => span.name === 'GET /api/v1/organizations/{slug}' && !span.failed,
  )
  expect(request).toMatchObject({
    service: 'fairlead-api',
    kind: 'server',
    traceId: caller.traceId,
    parentSpanId: caller.spanId,
    attributes: { 'http.route': '/api/v1/organizations/{slug}', 'fairlead.organization': 'acme' },
  })
  const { client, server } = await callUnder(collector, request!, getOrganization)
  expect([client.service, server.service]).toEqual(['fairlead-api', 'fairlead-store'])
  expect(server.attributes).toMatchObject({ 'rpc.system.name': 'grpc', 'rpc.method': getOrganization })

  const [reconciliation] = await collector.waitFor(named('reconcile Organization'))
  expect(reconciliation).toMatchObject({ service: 'fairlead-operator', kind: 'internal', parentSpanId: '' })
  // Calls of several reconciliations go together, under the first of them.
  const isReconciliation = ({ parentSpanId, traceId }: ReceivedSpan) =>
    collector.spans().some(span => span.spanId === parentSpanId && span.traceId === traceId)
  const [asked] = await collector.waitFor(
    span => span.service === 'fairlead-operator' && span.kind === 'client' && isReconciliation(span),
  )
  const [answered] = await collector.waitFor(({ parentSpanId }) => parentSpanId === asked!.spanId)
  expect(answered).toMatchObject({ service: 'fairlead-store', kind: 'server', name: asked!.name })

  // A caller that is not known begins no span, whatever trace it names.
  const before = collector.spans().length
  expect(
    await parts.ask('/api/v1/organizations/acme', {
      traceparent: `00-${'c'.repeat(32)}-${caller.spanId}-01`,
    }),
  ).toBe(401)
  await parts.ask('/api/v1/organizations/acme', parts.signedIn)
  await until(() => collector.spans().slice(before).some(named('GET /api/v1/organizations/{slug}')))
  expect(collector.spans().filter(({ traceId }) => traceId === 'c'.repeat(32))).toEqual([])
}, 120_000)

test('at the ratio 0 a fault is a whole trace, and what succeeds or is refused is none', async () => {
  await using parts = await openParts({ OTEL_TRACES_SAMPLER: 'always_off' })
  const { collector, store } = parts
  expect(await parts.ask('/api/v1/organizations/nobody', parts.signedIn)).toBe(404)
  await store[Symbol.asyncDispose]()
  expect(await parts.ask('/api/v1/organizations/acme', parts.signedIn)).toBe(503)
  // A request that took a second on a busy machine is kept, too, and did not fail.
  const [failed] = await collector.waitFor(
    span => span.kind === 'server' && span.service === 'fairlead-api' && span.failed,
  )
  expect(failed).toMatchObject({
    attributes: { 'http.response.status_code': 503, 'error.type': 'unavailable' },
  })
  const [call] = await collector.waitFor(
    span => span.kind === 'client' && span.service === 'fairlead-api' && span.failed,
  )
  expect(call).toMatchObject({ attributes: { 'rpc.status_code': 'UNAVAILABLE' } })
  // The calls of a request that was kept because it was slow may be quick themselves.
  const isSlow = ({ startMs, endMs }: ReceivedSpan) => endMs - startMs >= 1_000
  const kept = new Set(
    collector
      .spans()
      .filter(span => span.failed || isSlow(span))
      .map(({ traceId }) => traceId),
  )
  const fine = collector
    .spans()
    .filter(span => !span.failed && span.service === 'fairlead-api' && !kept.has(span.traceId))
  expect(fine).toEqual([])
}, 120_000)
