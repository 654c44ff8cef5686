import { createHmac, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStripeStandIn, type StripeStandIn } from '@fairlead/api/stripe-connect/fixtures/stripe-stand-in'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { createTestDatabase } from '../postgres.ts'
import { scratchFolder } from '../scratch.ts'
import { freeSettings, startStandalone } from '../standalone.ts'
import { until } from '../until.ts'
import { openBrowser } from './browser.ts'

/** Fairlead with its samples, and a Chromium that looks at its console. */
export interface RunningConsole extends AsyncDisposable {
  readonly url: string
  readonly browser: Browser
  /** The link that `npm start` prints for the owner of the machine: good once. */
  readonly signInLink: string
  /** A server that answers 200 to all. */
  readonly echoUrl: string
  /** Where webhooks come in. */
  readonly receiverUrl: string
  /** Where accounts at Stripe are connected. */
  readonly stripe: StripeStandIn
  /** Every organization's. */
  readonly platformKey: string
  /** Sends a webhook to the sample's source `github`, of the type `push` by default; broken on purpose where `secret` is another one. */
  send(
    body: string,
    secret?: string,
    type?: string,
  ): Promise<{ readonly id?: string; readonly status: number }>
  /** A window whose requests carry a key, as those of someone who is signed in carry a cookie. */
  open(options?: OpenOptions): Promise<Watched>
  /** Calls the API as the platform. Rejects where it refuses. */
  call(method: string, path: string, body?: unknown): Promise<Answered>
}

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every operation
type Answered = any

export interface OpenOptions {
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
  /** Default: the platform's. `null`: none. */
  readonly key?: string | null
  /** Of a window before: who was signed in there is so here. */
  readonly storageState?: Exclude<BrowserContextOptions['storageState'], undefined>
  /** Where the console is reached. Default: where it is. */
  readonly url?: string
  /** Physical pixels of one in CSS: a page at 200 % zoom has 2, and half the width. Default 1. */
  readonly deviceScaleFactor?: number
  /** Where the viewer is, as `Australia/Adelaide`. Default: as this machine. */
  readonly timezoneId?: string
}

/** A page with all that it must never do. */
export interface Watched extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of scripts, violations of the policy, requests to other hosts. */
  readonly faults: readonly string[]
  /** Opens an address of the console and waits until it shows what it is for. */
  visit(path: string): Promise<void>
}

export async function startConsole(): Promise<RunningConsole> {
  await using opened = new AsyncDisposableStack()
  const home = opened.use(await scratchFolder()).path
  const { url: postgresUrl } = opened.use(await createTestDatabase())
  const settings = { ...(await freeSettings(home)), postgresUrl }
  const client = { clientId: 'ca_test_only', secretKey: 'sk_test_only_of_the_platform' }
  const redirectUris = [`http://127.0.0.1:${settings.apiPort}/connect/stripe/callback`]
  const stripe = opened.use(await openStripeStandIn({ ...client, redirectUris }))
  const standalone = opened.use(
    startStandalone(settings, {
      FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: client.clientId,
      FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: client.secretKey,
      FAIRLEAD_STRIPE_CONNECT_URL: stripe.url,
      FAIRLEAD_TENANT_ACCOUNTS: 'true',
    }),
  )
  await standalone.ready({ deadlineMs: 120_000 })
  const signInLink = /^ {2}(http\S+\/auth\/printed#token=\S+)$/m.exec(standalone.output)![1]!
  const browser = await openBrowser()
  opened.defer(() => browser.close())
  const url = new URL(signInLink).origin
  await until(async () => (await fetch(url)).status === 200, { deadlineMs: 120_000, what: 'the console' })
  const platformKey = (await readFile(join(home, 'admin-key'), 'utf8')).trim()
  const held = opened.move()
  return {
    url,
    browser,
    signInLink,
    stripe,
    platformKey,
    receiverUrl: `http://127.0.0.1:${settings.receiverPort}`,
    echoUrl: `http://127.0.0.1:${settings.echoPort}`,
    send: (body, secret, type) => send(settings.receiverPort, body, secret, type),
    open: options => open(browser, options?.url ?? url, platformKey, options),
    call: (method, path, body) => call(url + path, platformKey, method, body),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function call(url: string, key: string, method: string, body: unknown): Promise<Answered> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(['PUT', 'PATCH', 'DELETE'].includes(method) && { 'if-match': '*' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

async function send(port: number, body: string, secret = 'test-only-github-of-acme', type = 'push') {
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  const response = await fetch(`http://127.0.0.1:${port}/webhooks/acme/github?from=<script>`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': type,
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
    },
    body,
  })
  const { id } = (await response.json()) as { id?: string }
  return { status: response.status, ...(id && { id }) }
}

async function open(
  browser: Browser,
  url: string,
  platformKey: string,
  { width = 1280, colorScheme = 'light', key = platformKey, url: _, ...options }: OpenOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    // Tests read amounts and times.
    locale: 'en-US',
    colorScheme,
    ...options,
    ...(key !== null && { extraHTTPHeaders: { authorization: `Bearer ${key}` } }),
  })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url })
  // A minute less than a test may take: so a failure says which element was waited for, and not only that time ran out.
  context.setDefaultTimeout(120_000)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(`script: ${error}`))
  page.on('console', message => {
    const isAnswer = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isAnswer) faults.push(`console: ${message.text()}`)
  })
  page.on('request', request => {
    const isOurs = request.url().startsWith(url) || /^(blob|data):/.test(request.url())
    if (!isOurs) faults.push(`request: ${request.url()}`)
  })
  return {
    page,
    context,
    faults,
    async visit(path) {
      await page.goto(url + path, { waitUntil: 'domcontentloaded' })
      await page.locator('main h1').first().waitFor()
      await page.getByText('Loading …').first().waitFor({ state: 'detached' })
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}
