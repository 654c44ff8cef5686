import { createHmac, randomUUID } from 'node:crypto'
import type { Arrivals } from '@fairlead/testbed/load/arrivals'
import { openRequestSender, type Sent } from '@fairlead/testbed/load/sender'
import { until } from '@fairlead/testbed/until'
import type { Fate } from './judge.ts'
import { bodyOf, type Flow, organizationsOf, type Scenario } from './scenarios.ts'
import { dueTimes } from './schedule.ts'
import { type Hmac, loadSecrets, signedHeaders } from './sign.ts'

/** Where a scenario is sent, and where its deliveries arrive. */
export interface Targets {
  readonly receiverUrl: string
  readonly arrivals: Pick<Arrivals, 'events'>
}

const connectionsOfFlow = 64
/** How long what was accepted may take to arrive after the last request. */
const settleMs = 30_000

export const nodeHmac: Hmac = {
  sha256: (key, text, encoding) =>
    createHmac('sha256', typeof key === 'string' ? key : Buffer.from(key))
      .update(text)
      .digest(encoding),
  decodeBase64(text) {
    const bytes = Buffer.from(text, 'base64')
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  },
}

/** Sends all flows of a scenario, and says what became of every request. */
export async function drive(scenario: Scenario, targets: Targets): Promise<readonly Fate[]> {
  const startMs = performance.now()
  const told = await Promise.all(scenario.flows.map(flow => driveFlow(flow, targets)))
  const patient = scenario.flows.flatMap((flow, index) =>
    flow.mood.kind === 'hangs' || flow.mood.kind === 'drips' ? [] : told[index]!.sent,
  )
  const { events } = targets.arrivals
  await until(() => patient.every(({ id }) => id === undefined || events.has(id)), {
    deadlineMs: settleMs,
    everyMs: 50,
  }).catch(() => {})
  return scenario.flows.flatMap(({ name }, index) => {
    const { sent, unsent } = told[index]!
    return [
      ...sent.map(one => fateOf(name, one, startMs, targets)),
      ...unsent.map(dueMs => notSent(name, dueMs - startMs)),
    ]
  })
}

async function driveFlow(flow: Flow, { receiverUrl }: Targets) {
  const { hostname, port, host, protocol } = new URL(receiverUrl)
  if (protocol !== 'http:') throw new TypeError(`the generator sends over plain http: not to ${receiverUrl}`)
  const organizations = organizationsOf(flow)
  let made = 0
  await using sender = await openRequestSender({
    hostname,
    port: Number(port || 80),
    connections: connectionsOfFlow,
    makeRequest() {
      const provider = flow.providers[made % flow.providers.length]!
      const organization = organizations[Math.floor(made / flow.providers.length) % organizations.length]!
      made++
      const id = randomUUID()
      const body = bodyOf(provider, id)
      const facts = { id, body, nowMs: Date.now(), secret: loadSecrets[provider] }
      const headers = Object.entries(signedHeaders(provider, facts, nodeHmac))
      return (
        `POST /webhooks/${organization}/${provider} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
      )
    },
  })
  const sent: Sent[] = []
  const unsent: number[] = []
  await sender.along(
    dueTimes(flow.stages),
    one => sent.push(one),
    dueMs => unsent.push(dueMs),
  )
  return { sent, unsent }
}

function fateOf(flow: string, sent: Sent, startMs: number, { arrivals }: Targets): Fate {
  const { id, dueMs, acceptMs, status, retryAfter } = sent
  const arrival = id === undefined ? undefined : arrivals.events.get(id)
  return {
    flow,
    dueMs: dueMs - startMs,
    acceptMs,
    status,
    retryAfter: retryAfter !== undefined,
    accepted: id !== undefined,
    ...(arrival && { arrivalMs: arrival.atMs - dueMs }),
    repeats: arrival ? arrival.count - 1 : 0,
  }
}

const notSent = (flow: string, dueMs: number): Fate => ({
  flow,
  dueMs,
  status: 0,
  retryAfter: false,
  accepted: false,
  repeats: 0,
})
