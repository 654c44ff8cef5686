import { createRequire } from 'node:module'
import { LinearWebhookClient } from '@linear/sdk/webhooks'
import { signWebhookPayload, verifyWebhookSignature } from '@notionhq/client'
import { sign as signGitHub, verify as verifyGitHub } from '@octokit/webhooks-methods'
import { Paddle } from '@paddle/paddle-node-sdk'
import { encodeSignatureHeader, isValidSignature } from '@sanity/webhook'
import { ApiVersion, shopifyApi } from '@shopify/shopify-api'
import '@shopify/shopify-api/adapters/node'
import { isValidSlackRequest } from '@slack/bolt/dist/receivers/verify-request.js'
import { WorkOS } from '@workos-inc/node'
import fc from 'fast-check'
import Pusher from 'pusher'
import Razorpay from 'razorpay'
import { validateWebhook } from 'replicate'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { base64Secret, openComparisons } from './compare.ts'
import { compared } from './compared.ts'

const { checkComparisons, compareWithSdk } = openComparisons(compared.hmac)

const require = createRequire(import.meta.url)
const cloudinary = require('cloudinary').v2
const around300 = [-301, -300, 299, 300, 301, 3600]

const stripe = new Stripe('sk_test_for_tests_only')
compareWithSdk({
  provider: 'stripe',
  clock: around300,
  accepts: ({ body, header, secret }) =>
    stripe.webhooks.constructEvent(body, header('stripe-signature'), secret),
  signs: ({ body, secret, nowMs }) => ({
    headers: {
      'stripe-signature': stripe.webhooks.generateTestHeaderString({
        payload: body,
        secret,
        timestamp: nowMs / 1000,
      }),
    },
  }),
})

compareWithSdk({
  provider: 'github',
  accepts: ({ body, header, secret }) => verifyGitHub(secret, body, header('x-hub-signature-256')),
  signs: async ({ body, secret }) => ({ headers: { 'x-hub-signature-256': await signGitHub(secret, body) } }),
})

compareWithSdk({
  provider: 'standard-webhooks',
  secret: base64Secret,
  clock: around300,
  accepts: ({ body, headers, secret }) => new Webhook(secret).verify(body, { ...headers }),
  signs: ({ body, secret, nowMs }) => ({
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(nowMs / 1000),
      'webhook-signature': new Webhook(secret).sign('msg_1', new Date(nowMs), body),
    },
  }),
})

compareWithSdk({
  provider: 'gitlab-signing-token',
  secret: base64Secret,
  clock: around300,
  accepts: ({ body, headers, secret }) => new Webhook(secret).verify(body, { ...headers }),
})

compareWithSdk({
  provider: 'bigcommerce',
  clock: around300,
  // As its documentation has it: the client secret is text, which the package wants in base64.
  accepts: ({ body, headers, secret }) =>
    new Webhook(Buffer.from(secret).toString('base64')).verify(body, { ...headers }),
})

compareWithSdk({
  provider: 'replicate',
  secret: base64Secret,
  clock: [86_400],
  accepts: ({ body, header, secret }) =>
    validateWebhook({
      id: header('webhook-id'),
      timestamp: header('webhook-timestamp'),
      signature: header('webhook-signature'),
      body,
      secret,
    } as never),
})

compareWithSdk({
  provider: 'shopify',
  accepts: async ({ body, headers, secret }) => {
    const shopify = shopifyApi({
      apiKey: 'key',
      apiSecretKey: secret,
      apiVersion: ApiVersion.July25,
      hostName: 'example.com',
      isEmbeddedApp: false,
      logger: { log: () => undefined },
    })
    const answer = await shopify.webhooks.validate({
      rawBody: body,
      rawRequest: { headers } as never,
      rawResponse: {} as never,
    })
    return answer.valid
  },
})

compareWithSdk({
  provider: 'slack',
  clock: around300,
  accepts: ({ body, header, secret, nowMs }) =>
    isValidSlackRequest({
      signingSecret: secret,
      body,
      headers: {
        'x-slack-signature': header('x-slack-signature'),
        'x-slack-request-timestamp': Number(header('x-slack-request-timestamp')),
      },
      nowMilliseconds: nowMs,
    }),
})

compareWithSdk({
  provider: 'linear',
  // The library refuses older times, and we don't: Linear's retries carry the time of the first request.
  clock: [-61, -60, 60],
  body: fc.constant('{"action":"create","data":{"title":"Zoë"},"webhookTimestamp":{nowMs}}'),
  accepts: ({ body, header, secret }) => {
    const at = JSON.parse(body).webhookTimestamp
    return new LinearWebhookClient(secret).verify(Buffer.from(body), header('linear-signature'), at)
  },
})

compareWithSdk({
  provider: 'notion',
  accepts: ({ body, header, secret }) =>
    verifyWebhookSignature({ body, signature: header('x-notion-signature'), verificationToken: secret }),
  signs: async ({ body, secret }) => ({
    headers: { 'x-notion-signature': await signWebhookPayload({ body, verificationToken: secret }) },
  }),
})

compareWithSdk({
  provider: 'paddle',
  clock: [4, 5, 6, 60],
  accepts: ({ body, header, secret }) =>
    new Paddle('for_tests_only').webhooks.isSignatureValid(body, secret, header('paddle-signature')),
})

compareWithSdk({
  provider: 'sanity',
  accepts: ({ body, header, secret }) => isValidSignature(body, header('sanity-webhook-signature'), secret),
  signs: async ({ body, secret, nowMs }) => ({
    headers: { 'sanity-webhook-signature': await encodeSignatureHeader(body, nowMs, secret) },
  }),
})

const workos = new WorkOS('sk_for_tests_only')
compareWithSdk({
  provider: 'workos',
  clock: [179, 180, 181],
  accepts: ({ body, header, secret }) =>
    workos.webhooks.verifyHeader({
      payload: JSON.parse(body),
      sigHeader: header('workos-signature'),
      secret,
    }),
  signs: async ({ body, secret, nowMs }) => {
    const signature = await workos.webhooks.computeSignature(nowMs, JSON.parse(body), secret)
    return { headers: { 'workos-signature': `t=${nowMs}, v1=${signature}` } }
  },
})

compareWithSdk({
  provider: 'pusher',
  accepts: ({ body, header, secret }) => {
    const pusher = new Pusher({ appId: '1', key: 'key', secret, cluster: 'eu' })
    const headers = {
      'content-type': 'application/json',
      'x-pusher-key': 'key',
      'x-pusher-signature': header('x-pusher-signature'),
    }
    return pusher.webhook({ rawBody: body, headers } as never).isValid()
  },
})

compareWithSdk({
  provider: 'razorpay',
  accepts: ({ body, header, secret }) =>
    Razorpay.validateWebhookSignature(body, header('x-razorpay-signature'), secret),
})

compareWithSdk({
  provider: 'cloudinary',
  clock: [7199, 7200, 7201],
  accepts: ({ body, header, secret }) => {
    cloudinary.config({ api_secret: secret })
    return cloudinary.utils.verifyNotificationSignature(
      body,
      Number(header('x-cld-timestamp')),
      header('x-cld-signature'),
    )
  },
})

checkComparisons()
