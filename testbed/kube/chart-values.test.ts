import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { apiConfig } from '@fairlead/api/config'
import { readConfig } from '@fairlead/daemon/config'
import { daemonConfig } from '@fairlead/daemon/run'
import { operatorConfig } from '@fairlead/operator/config'
import { proberConfig } from '@fairlead/prober/config'
import { receiverConfig } from '@fairlead/receiver/config'
import { storeConfig } from '@fairlead/store/config'
import { workerConfig } from '@fairlead/worker/config'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isMap, parseAllDocuments, parseDocument, type YAMLMap } from 'yaml'
import type { z } from 'zod'
import { testEncryptionKeys } from '../configuration.ts'
import { scratchFolder } from '../scratch.ts'
import { findHelm, type Helm } from './helm.ts'

/** The chart's values and what they become: each part's environment, read by the part's own schema. */

const chart = resolve(import.meta.dirname, '../../charts/fairlead')
const cleanup = new AsyncDisposableStack()
let helm: Helm

beforeAll(async () => {
  helm = await findHelm(cleanup.use(await scratchFolder()).path)
})
afterAll(() => cleanup.disposeAsync())

const schemas: Readonly<Record<string, z.ZodObject>> = {
  receiver: receiverConfig,
  worker: workerConfig,
  store: storeConfig,
  api: apiConfig,
  operator: operatorConfig,
  prober: proberConfig,
}

interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: unknown
}

/** What a Secret would hold. */
const secretValues: Readonly<Record<string, string>> = {
  FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
  FAIRLEAD_NATS_URL: 'nats://nats:4222',
  FAIRLEAD_NATS_PASSWORD: 'test-only',
  FAIRLEAD_PROBER_KEY: 'test-only-key-of-the-prober-0123456789',
  FAIRLEAD_POSTGRES_URL: 'postgres://fairlead:test-only@postgres/fairlead',
  FAIRLEAD_REDIS_URL: 'redis://redis',
  FAIRLEAD_SIGN_IN_KEYS: testEncryptionKeys,
  FAIRLEAD_SMTP_URL: 'smtp://mail:587',
  FAIRLEAD_OIDC_CLIENT_SECRET: 'test-only',
  FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: 'sk_test_only',
}

async function environmentsOf(args: readonly string[]): Promise<Map<string, Variable[]>> {
  const manifest = await helm(['template', 'fl', chart, '--namespace', 'fairlead', ...args])
  const deployments = parseAllDocuments(manifest)
    .map(document => document.toJS())
    .filter(object => object?.kind === 'Deployment')
  return new Map(
    deployments.flatMap(({ spec }) => {
      const [container] = spec.template.spec.containers
      return container.args?.[0] in schemas ? [[container.args[0], container.env]] : []
    }),
  )
}

describe.each([
  { name: 'by default', args: [] },
  { name: 'in production', args: ['--values', join(chart, 'values-production.yaml')] },
  {
    name: 'with a provider of identities',
    args: [
      ...[
        '--set',
        'signIn.consoleUrl=https://fairlead.example.com,signIn.oidc.issuer=https://login.example.com',
      ],
      ...['--set', 'signIn.oidc.existingSecret=fairlead-oidc,signIn.tenantAccounts.enabled=true'],
    ],
  },
  {
    name: 'with Stripe Connect',
    args: [
      '--set',
      'stripeConnect.clientId=ca_test,stripeConnect.existingSecret=fairlead-stripe,stripeConnect.source=platform/connect',
    ],
  },
  { name: 'with a prober', args: ['--set', 'prober.enabled=true'] },
])('environments $name', ({ args }) => {
  const parts = Object.entries(schemas).filter(
    ([part]) => part !== 'prober' || args.includes('prober.enabled=true'),
  )
  let environments: Map<string, Variable[]>
  beforeAll(async () => {
    environments = await environmentsOf(args)
  })

  test('are there for all parts', () => {
    expect([...environments.keys()].sort()).toEqual(parts.map(([part]) => part).sort())
  })

  test.each(parts)('%s takes its own', (part, schema) => {
    const variables = environments.get(part)!
    const env = Object.fromEntries(
      variables.map(({ name, value, valueFrom }) => [name, valueFrom ? (secretValues[name] ?? '') : value]),
    )
    const ours = Object.keys(env).filter(name => name.startsWith('FAIRLEAD_'))
    const known = new Set([...Object.keys(schema.shape), ...Object.keys(daemonConfig.shape)])
    expect(ours.filter(name => !known.has(name))).toEqual([])
    expect(new Set(ours).size).toBe(variables.filter(({ name }) => name.startsWith('FAIRLEAD_')).length)
    const config = readConfig(schema, env)
    expect(readConfig(daemonConfig, env).FAIRLEAD_METRICS_PORT).toBe(9090)
    expect(config.FAIRLEAD_NATS_USER).toBe('FAIRLEAD_NATS_USER' in schema.shape ? part : undefined)
  })

  test('hold no secret', () => {
    const secret = /PASSWORD|KEYS|_TOKEN|SECRET$|SMTP_URL/
    const shown = [...environments.values()]
      .flat()
      .filter(({ name, valueFrom }) => secret.test(name) && valueFrom === undefined)
    expect(shown).toEqual([])
  })
})

test('workers are told a prober by an absolute name, because they ask DNS without a search list', async () => {
  const args = ['--set', 'prober.enabled=true,prober.clusterDomain=k8s.example']
  const environments = await environmentsOf(args)
  for (const part of ['worker', 'prober']) {
    const url = environments.get(part)!.find(({ name }) => name === 'FAIRLEAD_PROBER_SINK_URL')?.value ?? ''
    expect(new URL(url).hostname, part).toMatch(/-prober\.[\w-]+\.svc\.k8s\.example$/)
  }
})

test('each value is explained by a comment that begins with its name', async () => {
  const text = await readFile(join(chart, 'values.yaml'), 'utf8')
  const values = parseDocument(text).contents
  if (!isMap(values)) throw new TypeError('values.yaml is a map')
  const paths = [...pathsOf(values, [])]
  expect(paths.length).toBeGreaterThan(80)
  const comments = new Set([...text.matchAll(/^ *# ([\w.]+): /gm)].map(([, path]) => path))
  expect(paths.filter(path => !comments.has(path))).toEqual([])
  expect([...comments].filter(path => !paths.includes(path!))).toEqual([])
})

test('the schema names each value, is closed, and knows no other', async () => {
  const values = parseDocument(await readFile(join(chart, 'values.yaml'), 'utf8')).contents as YAMLMap
  const schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8'))
  const named = new Set<string>()
  walk(schema, [])
  expect([...pathsOf(values, [])].filter(path => !named.has(path))).toEqual([])

  function walk(node: { [key: string]: unknown }, path: readonly string[]): void {
    if (typeof node.$ref === 'string') node = schema.$defs[node.$ref.replace('#/$defs/', '')]
    if (path.length > 0) named.add(path.join('.'))
    if (node.type === 'object') {
      expect(node.additionalProperties, `${path.join('.')} is closed, or a map of texts`).toSatisfy(
        value => value === false || JSON.stringify(value) === '{"type":"string"}',
      )
    }
    for (const [name, inner] of Object.entries(node.properties ?? {})) {
      // Whatever a parent chart says to all of its parts.
      if (name !== 'global') walk(inner, [...path, name])
    }
    if (node.items) walk(node.items as { [key: string]: unknown }, [...path, '[]'])
  }
})

/** Paths of values in block style: what is written in one line is one value, and resources are as Kubernetes has them. */
function* pathsOf(map: YAMLMap, path: readonly string[]): Generator<string> {
  for (const { key, value } of map.items) {
    const inner = [...path, String(key)]
    yield inner.join('.')
    if (isMap(value) && !value.flow && inner.at(-1) !== 'resources') yield* pathsOf(value, inner)
  }
}
