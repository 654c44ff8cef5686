import { type DemoKeys, makeKeys, otherKeys } from '@fairlead/console/app/simulator/keys'
import { type ConsoleProvider, providers } from '@fairlead/console/app/simulator/provider'
import { canBreak, demoOptions, demoUrl, freshBody, simulate } from '@fairlead/console/app/simulator/sign'
import { type CauseKind, type Explanation, explain, type OtherSource } from '@fairlead/webhook/explain'
import { openPace } from '@fairlead/webhook/explain-pace'
import { openScheme } from '@fairlead/webhook/open'
import type { SchemeConfig, WebhookRequest } from '@fairlead/webhook/scheme'
import { expect, test } from 'vitest'

/*
 * Each way in which a signature goes wrong, at every provider that can be signed for: how often the explanation is right, and that
 * it is never wrong with certainty. `unknown` is the explanation that says it doesn't know.
 */

const nowMs = Date.now()
const url = demoUrl('acme', 'demo')
const signing = providers.filter(({ signs }) => !['not here', 'unsigned'].includes(signs.kind))

/** A request that verifies, before it is broken. */
interface Good {
  readonly provider: ConsoleProvider
  readonly keys: DemoKeys
  readonly request: WebhookRequest
  readonly config: SchemeConfig
}

/** What is asked about; undefined: the provider can't be broken so. */
interface Broken {
  readonly request: WebhookRequest
  readonly config: SchemeConfig
  readonly others?: readonly OtherSource[]
}

interface Fault {
  readonly right: readonly CauseKind[]
  readonly breakIt: (good: Good) => Broken | undefined | Promise<Broken | undefined>
}

const faults: Readonly<Record<string, Fault>> = {
  'another secret': {
    right: ['unknown'],
    breakIt: async ({ provider, keys, request, config }) => ({
      request,
      config: { ...config, secrets: secretsOf(await otherKeys(provider, keys)) },
    }),
  },
  'the secret of another source': {
    right: ['other_source'],
    breakIt: async ({ provider, keys, request, config }) => ({
      request,
      config: { ...config, secrets: secretsOf(await otherKeys(provider, keys)) },
      others: [{ name: 'other', config }],
    }),
  },
  'a newline behind the secret': {
    right: ['secret_form', 'configuration'],
    breakIt: good => withSecret(good, secret => `${secret}\n`),
  },
  'quotation marks around the secret': {
    right: ['secret_form', 'configuration'],
    breakIt: good => withSecret(good, secret => `"${secret}"`),
  },
  'an invisible character in the secret': {
    right: ['secret_form', 'configuration'],
    breakIt: good => withSecret(good, secret => `\u200b${secret}`),
  },
  'a time of yesterday': {
    right: ['clock'],
    breakIt: async ({ provider, keys, config }) => {
      if (!canBreak(provider, 'time')) return undefined
      return { request: await requestOf(provider, keys, 'time'), config }
    },
  },
  'a byte of the body changed': {
    right: ['unknown'],
    breakIt: async ({ provider, keys, config }) => {
      if (!canBreak(provider, 'byte')) return undefined
      return { request: await requestOf(provider, keys, 'byte'), config }
    },
  },
  'JSON printed anew': {
    right: ['body_altered'],
    breakIt: good => withBody(good, reprinted),
  },
  'a newline behind the body': {
    right: ['body_altered'],
    breakIt: good => withBody(good, text => `${text}\n`),
  },
  'no signature': {
    right: ['header_missing'],
    breakIt: ({ provider: { signs }, request, config }) => {
      if (!('header' in signs)) return undefined
      const { [signs.header]: _, ...headers } = request.headers
      return { request: { ...request, headers }, config }
    },
  },
  'a signature in another encoding': {
    right: ['encoding'],
    breakIt: good => withSignature(good, reencoded),
  },
  'a signature that was cut': {
    right: ['encoding'],
    breakIt: good => withSignature(good, text => text.slice(0, -3)),
  },
  'the address of another source': {
    right: ['other_source', 'other_provider'],
    breakIt: ({ provider, request, config }) => {
      const own = provider.name === 'github' ? 'shopify' : 'github'
      const mixed = { provider: own, secrets: ['test-only-of-another-source'] }
      return { request, config: mixed, others: [{ name: 'right', config }] }
    },
  },
  'another address than the one that is signed': {
    right: ['url_differs'],
    breakIt: ({ provider: { signs }, request, config }) => {
      const isSigned =
        (signs.kind === 'signature' && signs.content.includes('{url}')) ||
        (signs.kind === 'jwt' && signs.url) ||
        (signs.kind === 'rule' && signs.signsUrl)
      if (!isSigned) return undefined
      const { publicUrl: _, ...options } = config.options ?? {}
      return {
        request: { ...request, url: request.url.replace('https:', 'http:') },
        config: { ...config, options },
      }
    },
  },
}

test('a refusal is explained wrongly, or only now and then', async () => {
  const goods = await Promise.all(signing.map(goodOf))
  const asked: Asked[] = []
  for (const [fault, { right, breakIt }] of Object.entries(faults)) {
    for (const good of goods) {
      const broken = await breakIt(good)
      if (!broken || !(await isRefused(broken))) continue
      const { request, config, others = [] } = broken
      const pace = openPace({ budgetMs: 60_000 })
      const explanation = await explain(request, config, others, nowMs, undefined, pace)
      asked.push({ fault, provider: good.provider.name, right, explanation })
    }
  }
  const kindOf = ({ explanation }: Asked) => explanation.causes[0]!.kind
  const named = ({ fault, provider, explanation }: Asked) =>
    `${fault}, ${provider}: ${explanation.causes[0]!.sentence}`
  const wrong = asked.filter(one => kindOf(one) !== 'unknown' && !one.right.includes(kindOf(one)))
  const unsure = asked.filter(one => kindOf(one) === 'unknown' && !one.right.includes('unknown'))
  const share = 1 - (wrong.length + unsure.length) / asked.length
  console.info(
    `${asked.length} refusals of ${Object.keys(faults).length} kinds, right in ${(100 * share).toFixed(1)} %`,
  )

  expect(asked.length).toBeGreaterThan(500)
  expect(new Set(asked.map(({ fault }) => fault)).size).toBe(Object.keys(faults).length)
  expect(wrong.map(named)).toEqual([])
  expect(unsure.map(named).length / asked.length, unsure.map(named).join('\n')).toBeLessThanOrEqual(0.05)
  expect(asked.filter(tellsSignature).map(named)).toEqual([])
}, 240_000)

interface Asked {
  readonly fault: string
  readonly provider: string
  readonly right: readonly CauseKind[]
  readonly explanation: Explanation
}

/** Whether a sentence has letters and digits that could be a signature: the shortest has 28 characters. Names of headers have more. */
const tellsSignature = ({ provider, explanation: { causes } }: Asked): boolean => {
  const { signs } = providers.find(({ name }) => name === provider)!
  const header = 'header' in signs ? signs.header : ''
  return causes.some(({ sentence }) =>
    ((header ? sentence.replaceAll(header, '') : sentence).match(/[\w+/=-]{27,}/g) ?? []).some(
      run => /\d/.test(run) && /[a-z]/i.test(run),
    ),
  )
}

async function goodOf(provider: ConsoleProvider): Promise<Good> {
  const keys = await makeKeys(provider)
  const config = { provider: provider.name, secrets: secretsOf(keys), options: demoOptions(provider, url) }
  return { provider, keys, request: await requestOf(provider, keys, 'nothing'), config }
}

const secretsOf = ({ secret }: DemoKeys): readonly string[] => (secret === undefined ? [] : [secret])

async function requestOf(
  provider: ConsoleProvider,
  keys: DemoKeys,
  broken: 'nothing' | 'time' | 'byte',
): Promise<WebhookRequest> {
  const body = freshBody(provider, nowMs)
  const sent = await simulate(provider, { body, keys, url, nowMs, broken })
  return { method: 'POST', url, headers: sent.headers, body: Buffer.from(sent.body) }
}

/** Some faults are none at some providers: blanks around a base64 key, say, or a body of which a token says nothing. */
async function isRefused({ request, config }: Broken): Promise<boolean> {
  try {
    return (await openScheme(config).verify(request, nowMs)).kind !== 'valid'
  } catch {
    return true
  }
}

function withSecret({ request, config }: Good, change: (secret: string) => string): Broken | undefined {
  const [secret] = config.secrets
  return secret === undefined ? undefined : { request, config: { ...config, secrets: [change(secret)] } }
}

function withBody(
  { request, config }: Good,
  change: (text: string) => string | undefined,
): Broken | undefined {
  const body = change(Buffer.from(request.body).toString())
  return body === undefined ? undefined : { request: { ...request, body: Buffer.from(body) }, config }
}

/** As a proxy prints JSON that it has parsed; undefined where that changes nothing, or more than blanks. */
function reprinted(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    if (JSON.stringify(parsed) !== text) return undefined
    return JSON.stringify(parsed, null, 2)
  } catch {
    return undefined
  }
}

function withSignature(
  { provider: { signs }, request, config }: Good,
  change: (signature: string) => string | undefined,
): Broken | undefined {
  if (signs.kind !== 'signature') return undefined
  const label = (signs.pair ? `${signs.pair.name}=` : '') + signs.prefix
  const text = String(request.headers[signs.header])
  const at = text.lastIndexOf(label) + label.length
  const changed = change(text.slice(at))
  if (changed === undefined) return undefined
  return {
    request: { ...request, headers: { ...request.headers, [signs.header]: text.slice(0, at) + changed } },
    config,
  }
}

/** Hexadecimal as base64, and the other way round. */
function reencoded(signature: string): string {
  return /^[0-9a-f]+$/.test(signature)
    ? Buffer.from(signature, 'hex').toString('base64')
    : Buffer.from(signature, 'base64').toString('hex')
}
