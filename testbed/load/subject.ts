import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '../scratch.ts'
import {
  freeSettings,
  type RunningStandalone,
  type StandaloneSettings,
  startStandalone,
} from '../standalone.ts'

/** A whole Fairlead, started as a user starts it, in a home of its own: what is measured. */
export interface Subject extends AsyncDisposable {
  readonly settings: StandaloneSettings
  /** The running one; another one after `restart`. */
  readonly standalone: RunningStandalone
  /** Waits until it has ended, which is for the caller to bring about, and starts it again on the same home. */
  restart(): Promise<void>
  /** The URL of an organization's GitHub source. */
  sourceUrl(organization: string): string
  pids(): Promise<Record<string, number>>
}

/** An organization of the load test: its sources, and one destination. */
export interface LoadTenant {
  readonly name: string
  /** Default: `github`, with the load tests' secret. */
  readonly sources?: readonly { readonly name: string; readonly provider: string; readonly secret: string }[]
  readonly destinationUrl: string
  readonly timeoutSeconds?: number
  readonly concurrency?: number
  /** Default: the product's. */
  readonly retryDelaysSeconds?: readonly number[]
  /** Whether it declares objectives, and so has series of its own. Default: false. */
  readonly objectives?: boolean
}

/** What all load-test sources verify with. */
export const loadSecret = 'test-only-load-secret'

const slo = 'slo: { freshness: { target: 0.99 }, delivery: { target: 0.99, withinHours: 1 } }'

/** The Organization and its Secret, for a file or a cluster. */
export const manifest = (
  {
    name,
    sources = [{ name: 'github', provider: 'github', secret: loadSecret }],
    destinationUrl,
    timeoutSeconds = 30,
    concurrency = 64,
    retryDelaysSeconds,
    objectives = false,
  }: LoadTenant,
  namespace?: string,
): string => `
apiVersion: v1
kind: Secret
metadata: { name: ${name}-load${inNamespace(namespace)} }
stringData:
${sources.map(source => `  ${source.name}: ${source.secret}`).join('\n')}
---
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: ${name}${inNamespace(namespace)} }
spec:
  displayName: ${name}${objectives ? `\n  ${slo}` : ''}
  sources:
${sources
  .map(
    source => `    - name: ${source.name}
      provider: ${source.provider}
      secrets: [{ secretRef: { name: ${name}-load, key: ${source.name} } }]`,
  )
  .join('\n')}
  destinations:
    - name: arrivals
      url: ${destinationUrl}
      allowInsecureHttp: true
      timeoutSeconds: ${timeoutSeconds}
      concurrency: ${concurrency}
      retry: ${retryDelaysSeconds ? `{ delaysSeconds: [${retryDelaysSeconds.join()}] }` : '{ preset: default }'}
  routes:
    - { source: "*", eventTypes: ["*"], destinations: [arrivals] }
`

const inNamespace = (namespace: string | undefined) => (namespace ? `, namespace: ${namespace}` : '')

/** Writes the tenants' Organizations and Secrets as files; answers their folder. */
export async function writeManifests(folder: string, tenants: readonly LoadTenant[]): Promise<string> {
  const organizations = join(folder, 'organizations')
  await mkdir(organizations)
  for (const tenant of tenants) await writeFile(join(organizations, `${tenant.name}.yaml`), manifest(tenant))
  return organizations
}

export async function startSubject(
  tenants: readonly LoadTenant[],
  environment: Record<string, string> = {},
): Promise<Subject> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await scratchFolder()).path
  const organizations = await writeManifests(folder, tenants)
  const settings = { ...(await freeSettings(join(folder, 'home'))), organizations }
  let standalone = startStandalone(settings, environment)
  opened.defer(() => standalone[Symbol.asyncDispose]())
  await standalone.ready({ deadlineMs: 120_000 })
  const held = opened.move()
  return {
    settings,
    get standalone() {
      return standalone
    },
    async restart() {
      await standalone.exited
      standalone = startStandalone(settings, environment)
      await standalone.ready({ deadlineMs: 120_000 })
    },
    sourceUrl: organization => `http://127.0.0.1:${settings.receiverPort}/webhooks/${organization}/github`,
    async pids() {
      const names = ['fairlead', 'nats', 'postgres', 'redis'] as const
      return Object.fromEntries(
        await Promise.all(names.map(async name => [name, await standalone.pidOf(name)] as const)),
      )
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
