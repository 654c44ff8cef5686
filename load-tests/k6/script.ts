import crypto from 'k6/crypto'
import encoding from 'k6/encoding'
import { scenario as running } from 'k6/execution'
import http from 'k6/http'
import { Counter, Rate, Trend } from 'k6/metrics'
import type { Scenario as K6Scenario, Options } from 'k6/options'
import { bodyOf, type Figure, type Flow, organizationsOf, type Scenario, scaled } from '../scenarios.ts'
import { type Hmac, loadSecrets, signedHeaders } from '../sign.ts'

/**
 * What all scripts of this folder share: a scenario of `../scenarios.ts` as k6 reads it. `load-tests/README.md` says how to run
 * one. Environment: RECEIVER_URL, SINK_URL (of `node load-tests/sink.ts`), SECONDS, RATE and TIMES as for `run.ts`.
 *
 * k6 counts an answer's time from when the request was sent, not from when it was due, so that figures for publication come
 * from `run.ts`; a run in which an iteration was dropped is void.
 */
const receiverUrl = __ENV.RECEIVER_URL || 'http://localhost:8080'
const sinkUrl = __ENV.SINK_URL || 'http://localhost:8090'
const seconds = Number(__ENV.SECONDS || '1')
const rate = Number(__ENV.RATE || '1')
const times = Number(__ENV.TIMES || '1')

const hmac: Hmac = {
  sha256: (key, text, output) => crypto.hmac('sha256', key, text, output),
  decodeBase64: text => encoding.b64decode(text),
}

const accept = new Trend('accept_ms', true)
const arrival = new Trend('arrival_ms', true)
const refused = new Rate('refused')
const failed = new Rate('failed')
const lost = new Counter('lost')
const repeated = new Counter('repeated')

export function scriptOf(described: Scenario) {
  const wanted = scaled(described, { seconds, rate })
  return {
    options: optionsOf(wanted),
    run: () => sendOne(flowOf(wanted)),
    teardown: () => collect(wanted),
  }
}

function optionsOf(wanted: Scenario): Options {
  const flows = wanted.flows.map(flow => [flow.name, executorOf(flow)] as const)
  const thresholds: Record<string, string[]> = {}
  for (const { figure, flow, atMost } of wanted.limits) {
    const [metric, expression] = thresholdOf(figure, atMost)
    // Dropped iterations are k6's own, by scenario.
    const name =
      flow === undefined ? metric : `${metric}{${figure === 'unsent' ? 'scenario' : 'flow'}:${flow}}`
    thresholds[name] = [...(thresholds[name] ?? []), expression]
  }
  return { scenarios: Object.fromEntries(flows), thresholds, discardResponseBodies: false }
}

function executorOf({ stages }: Flow): K6Scenario {
  const most = stages.reduce((max, { perSecond }) => Math.max(max, perSecond), 1)
  return {
    executor: 'ramping-arrival-rate',
    startRate: Math.round(stages[0]?.perSecond ?? 0),
    timeUnit: '1s',
    preAllocatedVUs: Math.min(1_000, Math.max(10, Math.ceil(most / 5))),
    maxVUs: Math.min(4_000, Math.max(50, Math.ceil(most))),
    // A jump, and then a constant rate.
    stages: stages.flatMap(stage => [
      { target: Math.round(stage.perSecond), duration: '0s' },
      { target: Math.round(stage.perSecond), duration: `${stage.seconds}s` },
    ]),
  }
}

function thresholdOf(figure: Figure, atMost: number): [metric: string, expression: string] {
  switch (figure) {
    case 'refused_ratio':
      return ['refused', `rate<=${atMost}`]
    case 'failed_ratio':
      return ['failed', `rate<=${atMost}`]
    case 'accept_p95_ms':
      return ['accept_ms', `p(95)<=${atMost * times}`]
    case 'accept_p99_ms':
      return ['accept_ms', `p(99)<=${atMost * times}`]
    case 'arrival_p50_ms':
      return ['arrival_ms', `p(50)<=${atMost * times}`]
    case 'arrival_p99_ms':
      return ['arrival_ms', `p(99)<=${atMost * times}`]
    case 'lost':
      return ['lost', `count<=${atMost}`]
    case 'repeated':
      return ['repeated', `count<=${atMost}`]
    case 'unsent':
      return ['dropped_iterations', `count<=${atMost}`]
    default:
      return figure satisfies never
  }
}

function flowOf({ flows }: Scenario): Flow {
  const found = flows.find(({ name }) => name === running.name)
  if (!found) throw new Error(`no flow is called ${running.name}`)
  return found
}

function sendOne(flow: Flow): void {
  const number = running.iterationInTest
  const provider = flow.providers[number % flow.providers.length]!
  const organizations = organizationsOf(flow)
  const organization = organizations[Math.floor(number / flow.providers.length) % organizations.length]!
  const sentAt = Date.now()
  const id = `${flow.name}-${sentAt}-${number}-${Math.floor(Math.random() * 1e9)}`
  const body = bodyOf(provider, id)
  const headers = signedHeaders(provider, { id, body, nowMs: sentAt, secret: loadSecrets[provider] }, hmac)
  const response = http.post(`${receiverUrl}/webhooks/${organization}/${provider}`, body, {
    headers: { 'content-type': 'application/json', ...headers },
    tags: { name: 'webhook', flow: flow.name },
  })
  const tags = { flow: flow.name }
  const event = response.status === 200 ? String(response.json('id') ?? '') : ''
  refused.add(event === '', tags)
  failed.add(event === '' && response.headers['Retry-After'] === undefined, tags)
  if (event === '') return
  accept.add(response.timings.duration, tags)
  // The sink compares: k6 shares nothing between its users and the end of a test.
  http.post(`${sinkUrl}/accepted`, JSON.stringify({ event, flow: flow.name, sentAt }), {
    tags: { name: 'sink' },
  })
}

interface SinkReport {
  readonly flows: Readonly<
    Record<
      string,
      { readonly lost: number; readonly repeated: number; readonly arrivalMs: readonly number[] }
    >
  >
}

/** Asks the sink what became of all that was accepted. It answers when everything has arrived, or after 30 s. */
function collect({ flows }: Scenario): void {
  const response = http.get(`${sinkUrl}/report`, { timeout: '60s', tags: { name: 'sink' } })
  const report = response.json() as unknown as SinkReport
  for (const flow of flows) {
    const found = report.flows[flow.name]
    if (!found) continue
    const tags = { flow: flow.name }
    lost.add(found.lost, tags)
    repeated.add(found.repeated, tags)
    for (const ms of found.arrivalMs) arrival.add(ms, tags)
  }
}
