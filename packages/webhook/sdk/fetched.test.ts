import { createHash, createHmac, generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll } from 'vitest'
import { findSdks, sdks } from '../fixtures/sdks.ts'
import type { WebhookRequest } from '../scheme.ts'
import { base64Secret, jsonBody, openComparisons, type Received, textSecret } from './compare.ts'
import { compared } from './compared.ts'

const { checkComparisons, compareWithSdk } = openComparisons(compared.fetched)

/** What is imported, each before the clock is replaced and outside of the tests' time-outs. */
const modules = [
  ...sdks.filter(name => !/polar|clerk|box/.test(name)),
  '@polar-sh/sdk/webhooks.js',
  '@clerk/backend/webhooks',
  'box-node-sdk/managers/webhooks',
  'box-node-sdk/internal/utils',
]

let load: NodeJS.Require

beforeAll(async () => {
  const folder = await findSdks()
  load = createRequire(join(folder, 'package.json'))
  for (const module of modules) load(module)
}, 600_000)

const around300 = [-3600, -301, -300, -299, 299, 300, 301, 3600]

compareWithSdk({
  provider: 'square',
  url: 'https://hooks.example.com/webhooks/acme/square?a=b',
  accepts: ({ body, header, secret, url }) =>
    load('square').WebhooksHelper.verifySignature({
      requestBody: body,
      signatureHeader: header('x-square-hmacsha256-signature'),
      signatureKey: secret,
      notificationUrl: url,
    }),
})

compareWithSdk({
  provider: 'polar',
  clock: around300,
  accepts: ({ body, headers, secret }) => {
    const { validateEvent, WebhookVerificationError } = load('@polar-sh/sdk/webhooks.js')
    try {
      return Boolean(validateEvent(body, headers, secret))
    } catch (error) {
      // After the signature the package parses the event, which this test doesn't imitate: any other error means a right signature.
      return !(error instanceof WebhookVerificationError)
    }
  },
})

for (const version of ['v1', 'v2', 'v3']) {
  const header = version === 'v3' ? 'x-hubspot-signature-v3' : 'x-hubspot-signature'
  const optionsOf = ({ body, secret, url }: Pick<Received, 'body' | 'secret' | 'url'>) => ({
    clientSecret: secret,
    requestBody: body,
    url,
  })
  compareWithSdk({
    provider: `hubspot-${version}`,
    url: 'https://hooks.example.com/webhooks/acme/hubspot?a=b',
    ...(version === 'v3' && { clock: around300 }),
    accepts: received =>
      load('@hubspot/api-client').Signature.isValid({
        ...optionsOf(received),
        method: 'POST',
        signatureVersion: version,
        signature: received.header(header),
        timestamp: Number(received.header('x-hubspot-request-timestamp')),
      }),
    signs: given => ({
      headers: {
        [header]: load('@hubspot/api-client').Signature.getSignature('POST', version, {
          ...optionsOf(given),
          timestamp: given.nowMs,
        }),
        'x-hubspot-request-timestamp': String(given.nowMs),
      },
    }),
  })
}

compareWithSdk({
  provider: 'line',
  accepts: ({ body, header, secret }) =>
    load('@line/bot-sdk').validateSignature(body, secret, header('x-line-signature')),
  differences: [
    {
      why: 'it skips what is no base64; LINE never sends it, and one signature has one spelling here',
      change: request => withHeader(request, 'x-line-signature', text => `!${text}!`),
      acceptedBy: 'them',
    },
  ],
})

compareWithSdk({
  provider: 'svix',
  secret: base64Secret,
  clock: around300,
  accepts: ({ body, headers, secret }) => {
    const { Webhook } = load('svix')
    return new Webhook(secret).verify(body, headers)
  },
  signs: ({ body, secret, nowMs }) => {
    const { Webhook } = load('svix')
    return {
      headers: {
        'svix-id': 'msg_1',
        'svix-timestamp': String(nowMs / 1000),
        'svix-signature': new Webhook(secret).sign('msg_1', new Date(nowMs), body),
      },
    }
  },
})

compareWithSdk({
  provider: 'clerk',
  secret: base64Secret,
  clock: around300,
  accepts: ({ body, headers, secret, url }) => {
    const request = new Request(url, { method: 'POST', headers, body })
    return load('@clerk/backend/webhooks').verifyWebhook(request, { signingSecret: secret })
  },
  differences: [
    {
      why: 'it takes the names svix-… alone, where Svix, which sends for Clerk, may use webhook-… too',
      change: request => ({
        ...request,
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name.replace('svix-', 'webhook-'), value]),
        ),
      }),
      acceptedBy: 'us',
    },
  ],
})

compareWithSdk({
  provider: 'resend',
  secret: base64Secret,
  clock: around300,
  accepts: ({ body, header, secret }) => {
    const { Resend } = load('resend')
    return new Resend('re_for_tests_only').webhooks.verify({
      payload: body,
      headers: {
        id: header('svix-id'),
        timestamp: header('svix-timestamp'),
        signature: header('svix-signature'),
      },
      webhookSecret: secret,
    })
  },
})

compareWithSdk({
  provider: 'anthropic',
  secret: base64Secret,
  clock: around300,
  accepts: ({ body, headers, secret }) => {
    const { Anthropic } = load('@anthropic-ai/sdk')
    const client = new Anthropic({ apiKey: 'for-tests-only' })
    return client.beta.webhooks.unwrap(body, { headers, key: secret })
  },
})

compareWithSdk({
  provider: 'openai',
  secret: fc.oneof(base64Secret, textSecret),
  clock: around300,
  accepts: async ({ body, headers, secret }) => {
    const { OpenAI } = load('openai')
    await new OpenAI({ apiKey: 'for-tests-only' }).webhooks.verifySignature(body, headers, secret)
  },
  differences: [
    {
      why: 'it takes a signature without its version; the standard has none',
      change: request => withHeader(request, 'webhook-signature', text => text.replace('v1,', '')),
      acceptedBy: 'them',
    },
  ],
})

compareWithSdk({
  provider: 'liveblocks',
  secret: base64Secret,
  clock: around300,
  // The package refuses types of events that it doesn't know.
  body: jsonBody.map(text => `{"type":"roomCreated","data":${text}}`),
  accepts: ({ body, headers, secret }) => {
    const { WebhookHandler } = load('@liveblocks/node')
    return new WebhookHandler(secret).verifyRequest({ headers, rawBody: body })
  },
  differences: [
    {
      why: 'it reads no version; a signature of another version is another algorithm’s',
      change: request => withHeader(request, 'webhook-signature', text => text.replace('v1,', 'v9,')),
      acceptedBy: 'them',
    },
  ],
})

compareWithSdk({
  provider: 'livekit',
  options: { apiKey: 'devkey' },
  clock: [-3600, -11, -10, -9, 309, 310, 311, 3600],
  accepts: ({ body, header, secret }) => {
    const { WebhookReceiver } = load('livekit-server-sdk')
    return new WebhookReceiver('devkey', secret).receive(body, header('authorization'))
  },
  signs: async ({ body, secret }) => {
    const { AccessToken } = load('livekit-server-sdk')
    const token = new AccessToken('devkey', secret, { ttl: '5m' })
    token.sha256 = createHash('sha256').update(body).digest('base64')
    return { headers: { authorization: await token.toJwt() } }
  },
})

const mux = () => {
  const { Mux } = load('@mux/mux-node')
  return new Mux({ tokenId: 'for-tests-only', tokenSecret: 'for-tests-only' }).webhooks
}
compareWithSdk({
  provider: 'mux',
  clock: around300,
  accepts: async ({ body, headers, secret }) => {
    await mux().verifySignature(body, headers, secret)
  },
  signs: async ({ body, secret, nowMs }) => {
    const signature = await mux().computeSignature(`${nowMs / 1000}.${body}`, secret)
    return { headers: { 'mux-signature': `t=${nowMs / 1000},v1=${signature}` } }
  },
  differences: [
    {
      why: 'it reads a number off the start of the time, so that what stands there isn’t what was signed',
      change: request => withHeader(request, 'mux-signature', text => text.replace(',', 'x,')),
      acceptedBy: 'them',
    },
  ],
})

compareWithSdk({
  provider: 'elevenlabs',
  clock: [-3600, 1799, 1800, 1801],
  accepts: ({ body, header, secret }) => {
    const { ElevenLabsClient } = load('@elevenlabs/elevenlabs-js')
    const client = new ElevenLabsClient({ apiKey: 'for-tests-only' })
    return client.webhooks.constructEvent(body, header('elevenlabs-signature'), secret)
  },
})

compareWithSdk({
  provider: 'gocardless',
  accepts: ({ body, header, secret }) =>
    load('gocardless-nodejs').verifySignature(body, secret, header('webhook-signature')),
  differences: [
    {
      why: 'it stops reading at what is no hex digit; one signature has one length here',
      change: request => withHeader(request, 'webhook-signature', text => `${text}zz`),
      acceptedBy: 'them',
    },
  ],
})

compareWithSdk({
  provider: 'coinbase-commerce',
  body: jsonBody.map(text => `{"event":${text}}`),
  accepts: ({ body, header, secret }) =>
    load('coinbase-commerce-node').Webhook.verifyEventBody(body, header('x-cc-webhook-signature'), secret),
  signs: ({ body, secret }) => ({
    headers: {
      'x-cc-webhook-signature': load('coinbase-commerce-node').Webhook.computeSignature(body, secret),
    },
  }),
})

compareWithSdk({
  provider: 'webflow',
  clock: around300,
  accepts: ({ body, headers, secret }) => {
    const { WebflowClient } = load('webflow-api')
    return new WebflowClient({ accessToken: 'for-tests-only' }).webhooks.verifySignature({
      headers,
      body,
      secret,
    })
  },
})

compareWithSdk({
  provider: 'box',
  clock: [-3600, -1, 599, 600, 601],
  accepts: ({ body, headers, secret }) =>
    load('box-node-sdk/managers/webhooks').WebhooksManager.validateMessage(body, headers, secret),
  signs: async ({ body, secret, nowMs }) => {
    const headers = {
      'box-signature-version': '1',
      'box-signature-algorithm': 'HmacSHA256',
      'box-delivery-timestamp': new Date(nowMs).toISOString(),
    }
    const { computeWebhookSignature } = load('box-node-sdk/internal/utils')
    return {
      headers: { ...headers, 'box-signature-primary': await computeWebhookSignature(body, headers, secret) },
    }
  },
  differences: [
    {
      why: 'it also tries the body with \\u escapes, for those who give it a parsed one; we have Box’s bytes',
      change: (request, secret) => ({
        ...request,
        body: Buffer.from('{"name":"Zoë"}'),
        headers: {
          ...request.headers,
          'box-signature-primary': createHmac('sha256', secret)
            .update('{"name":"Zo\\u00eb"}')
            .update(String(request.headers['box-delivery-timestamp']))
            .digest('base64'),
        },
      }),
      acceptedBy: 'them',
    },
  ],
})

const telnyxKeys = generateKeyPairSync('ed25519')
compareWithSdk({
  provider: 'telnyx',
  secret: fc.constant(
    telnyxKeys.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64'),
  ),
  privateKey: telnyxKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  clock: around300,
  accepts: ({ body, headers, secret }) => {
    const { Telnyx } = load('telnyx')
    return new Telnyx({ apiKey: 'for-tests-only' }).webhooks.unwrap(body, { headers, key: secret })
  },
})

function withHeader(request: WebhookRequest, name: string, change: (text: string) => string): WebhookRequest {
  return { ...request, headers: { ...request.headers, [name]: change(String(request.headers[name])) } }
}

checkComparisons()
