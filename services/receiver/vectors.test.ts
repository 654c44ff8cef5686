import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { anOrganization, type OrganizationSketch } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { aCertificate } from '@fairlead/webhook/fuzz/a-certificate-authority'
import { findProvider } from '@fairlead/webhook/providers/table'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  type OpenedReceiver,
  openTestReceiver,
  type SentRequest,
} from './fixtures/a-receiver.ts'

/*
 * The public vectors as a provider would send them: each to a source of its own, over HTTP, at the time it was signed.
 */

interface Vector {
  readonly id: string
  readonly provider: string
  readonly expected: 'valid' | 'invalid'
  readonly policy_dependent?: boolean
  readonly secret: string | string[] | null
  readonly options?: Record<string, unknown>
  readonly assumes_tolerance_seconds?: { past: number | null; future: number | null }
  readonly method: string
  readonly url?: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly body_encoding?: string
  /** Unix seconds. */
  readonly now: number
}

interface HandshakeEntry {
  readonly id: string
  readonly provider: string
  readonly secret?: string
  readonly options?: Record<string, unknown>
  readonly request: { method: string; url: string; headers: Record<string, string>; body: string }
  readonly response: {
    status: number
    headers?: Record<string, string>
    text?: string
    json?: unknown
    then?: string
  }
}

type SourceSketch = NonNullable<OrganizationSketch['sources']>[number]

interface Prepared {
  readonly source: SourceSketch
  readonly sent: SentRequest
  readonly nowMs: number
}

const read = <T>(name: string): T[] =>
  JSON.parse(readFileSync(new URL(`../../packages/webhook/vectors/${name}`, import.meta.url), 'utf8'))

const vectors = read<Vector>('provider-vectors.json')
const handshakes = read<HandshakeEntry>('handshakes.json')

const nameOf = (id: string): string => id.toLowerCase().replace(/[^a-z0-9-]/g, '-')
const pathOf = (name: string, url: string | undefined): string =>
  `/webhooks/vectors/${name}${url?.includes('?') ? url.slice(url.indexOf('?')) : ''}`

function prepareVector(vector: Vector): Prepared {
  const name = nameOf(vector.id)
  const tolerance = vector.assumes_tolerance_seconds
  const source: SourceSketch = {
    name,
    provider: vector.provider,
    secrets: [vector.secret ?? []].flat(),
    options: {
      ...vector.options,
      ...(vector.url !== undefined && { publicUrl: vector.url.split('?')[0]! }),
    },
    // A source has one number: it bounds the future where the provider's own code does, and 0 bounds nothing.
    ...(tolerance && { toleranceSeconds: tolerance.past ?? 0 }),
  }
  const body = Buffer.from(vector.body, vector.body_encoding === 'base64' ? 'base64' : 'utf8')
  const { method, headers } = vector
  return { source, sent: { method, path: pathOf(name, vector.url), headers, body }, nowMs: vector.now * 1000 }
}

const discordKey = generateKeyPairSync('ed25519')
/** Handshakes that their provider signs, where the entry leaves the signature out: who signs, and with what. */
const signers: Record<string, { secret: string; privateKey?: string }> = {
  slack: { secret: 'test-secret' },
  twitch: { secret: 'test-secret' },
  discord: {
    secret: Buffer.from(discordKey.publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('hex'),
    privateKey: discordKey.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  },
}

function prepareHandshake(entry: HandshakeEntry): Prepared {
  const name = nameOf(entry.id)
  const { provider, request, response } = entry
  if (provider === 'aws-sns') return prepareSns(name)
  const signer = entry.secret === undefined ? signers[provider] : undefined
  const signedAt = Number(request.headers['x-zm-request-timestamp'] ?? 1_760_000_000)
  const isSecretNeeded = findProvider(provider)?.secretRequired !== false
  const secret = entry.secret ?? signer?.secret ?? (isSecretNeeded ? 'test-secret' : undefined)
  const verify = response.headers?.['x-vercel-verify']
  const signed = signer && signedHeaders(entry, signer, signedAt * 1000)
  return {
    source: {
      name,
      provider,
      secrets: secret === undefined ? [] : [secret],
      options: { ...entry.options, ...(verify !== undefined && { verify }) },
    },
    sent: {
      method: request.method,
      path: pathOf(name, request.url),
      headers: signed ?? request.headers,
      body: request.body,
    },
    nowMs: signedAt * 1000,
  }
}

const sns = aCertificate({ commonName: 'sns.amazonaws.com' })
const certificateUrl = 'https://sns.us-west-2.amazonaws.com/SimpleNotificationService-test.pem'
const subscribeUrl = 'https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=test'

/** The entry has no body of its own: this is one as SNS documents it, its certificate fetched through the receiver. */
function prepareSns(name: string): Prepared {
  const nowMs = Date.UTC(2026, 0, 1)
  const message = {
    Message: 'You have chosen to subscribe to the topic',
    MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
    SubscribeURL: subscribeUrl,
    Timestamp: new Date(nowMs).toISOString(),
    Token: 'test',
    TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
    Type: 'SubscriptionConfirmation',
  }
  const text = Object.entries(message)
    .map(([field, value]) => `${field}\n${value}\n`)
    .join('')
  const body = JSON.stringify({
    ...message,
    SignatureVersion: '2',
    SigningCertURL: certificateUrl,
    Signature: sign('sha256', Buffer.from(text), sns.privateKey).toString('base64'),
  })
  const headers = { 'x-amz-sns-message-type': 'SubscriptionConfirmation' }
  return {
    source: { name, provider: 'aws-sns' },
    sent: { method: 'POST', path: pathOf(name, undefined), headers, body },
    nowMs,
  }
}

function signedHeaders(
  { provider, request }: HandshakeEntry,
  signer: { secret: string; privateKey?: string },
  nowMs: number,
): Record<string, string> {
  const sample = sampleRequest(provider, { ...signer, nowMs, random: () => 0.5, body: request.body })
  return { ...(sample.headers as Record<string, string>), ...lowerCased(withoutTime(request.headers)) }
}

/** The entry's own id and time go with a signature that it leaves out. */
function withoutTime(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/-(id|timestamp)$/i.test(name)))
}

const lowerCased = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

let receiver: OpenedReceiver
let nowMs = 0
const preparedVectors = vectors.map(prepareVector)
const preparedHandshakes = handshakes.map(prepareHandshake)
const confirmed: string[] = []

beforeAll(async () => {
  const sources = [...preparedVectors, ...preparedHandshakes].map(({ source }) => source)
  receiver = await openTestReceiver(anOrganization('vectors', { sources }), {
    now: () => nowMs,
    fetchKey: async url => {
      if (url === certificateUrl) return sns.certificate
      throw new Error(`no key is at ${url} in this test`)
    },
    fetch: async url => {
      confirmed.push(String(url))
      return new Response('<ConfirmSubscriptionResponse/>')
    },
  })
})
afterAll(() => receiver[Symbol.asyncDispose]())

const stored = async () => (await receiver.manager.streams.info('EVENTS')).state.messages

/** Some vectors are signed challenges: answered, and no event. */
const isHandshake = ({ source }: Prepared): boolean =>
  receiver.lines.some(line => line.msg === 'handshake.answered' && line.source === source.name)

async function deliver({ sent, nowMs: at }: Prepared): Promise<{ answer: Answer; events: number }> {
  const before = await stored()
  nowMs = at
  const answer = await receiver.send(sent)
  return { answer, events: (await stored()) - before }
}

test('every vector and handshake has a source that opens, except where the secret is no key', () => {
  const unusable = receiver.lines.filter(({ msg }) => msg === 'source.unusable').map(({ source }) => source)
  const refused = vectors.filter(({ id }) => unusable.includes(nameOf(id)))
  expect(unusable).toHaveLength(refused.length)
  expect(refused.filter(({ expected }) => expected === 'valid')).toEqual([])
  expect(vectors).toHaveLength(165)
  expect(handshakes).toHaveLength(20)
})

describe('vectors', () => {
  test.each(vectors.map((vector, index) => [vector.id, vector, preparedVectors[index]!] as const))(
    '%s',
    async (_id, vector, prepared) => {
      const { answer, events } = await deliver(prepared)
      const isAccepted = answer.status >= 200 && answer.status < 300
      expect(events).toBe(isAccepted && !isHandshake(prepared) ? 1 : 0)
      if (vector.policy_dependent) return
      expect(isAccepted, answer.body).toBe(vector.expected === 'valid')
      if (isAccepted) return
      expect(answer.status).toBe(401)
      const isEmptyByDemand = findProvider(vector.provider)?.answer.accepted?.body === ''
      if (isEmptyByDemand) expect(answer.body).toBe('')
      else
        expect(JSON.parse(answer.body)).toMatchObject({
          code: expect.stringMatching(/^(signature|timestamp)_/),
        })
    },
  )
})

describe('handshakes', () => {
  test.each(handshakes.map((entry, index) => [entry.id, entry, preparedHandshakes[index]!] as const))(
    '%s',
    async (_id, { response, provider }, prepared) => {
      const { answer, events } = await deliver(prepared)
      expect(answer.status, answer.body).toBe(response.status)
      expect(answer.headers).toMatchObject(response.headers ?? {})
      if (response.text !== undefined) expect(answer.body).toBe(response.text)
      if (response.json !== undefined) expect(JSON.parse(answer.body)).toEqual(response.json)
      expect(events).toBe(0)
      if (response.then === undefined) return
      await until(
        async () =>
          receiver.lines.some(line => line.msg === 'handshake.confirmed' && line.provider === provider),
        { what: 'the confirmation' },
      )
      expect(confirmed).toEqual([subscribeUrl])
    },
  )
})
