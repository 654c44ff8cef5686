import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { imageOfRun, imageTag } from '../run.ts'
import { until } from '../until.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { type Destination, startDestination } from './destination.ts'
import { applyOrganization, installFairlead, type Release, readSourceUrl } from './fairlead.ts'
import { buildServerImages } from './images/servers.ts'
import { readPodMemory } from './memory.ts'
import { startNatsServers } from './nats-servers.ts'
import { see, startProvider } from './provider.ts'
import type { Posted } from './send.ts'

const secrets = { first: 'test-only-first-of-acme', second: 'test-only-second-of-acme' }

/**
 * A real cluster of two nodes, the chart by `helm install`, webhooks from a provider in its network to a pod. Each test
 * builds on those before it: this is one platform's life, from its installation on.
 * @param options.apiServerAwayMs how long the API server is taken away
 * @param options.perSecond webhooks a second while something is done
 */
export function endToEnd(options: { readonly apiServerAwayMs: number; readonly perSecond: number }): void {
  const cleanup = new AsyncDisposableStack()
  let cluster: Cluster
  let release: Release
  let destination: Destination
  let url: string
  const acme: Release['kubectl'] = (args, input) => cluster.kubectl(['-n', 'acme', ...args], input)

  beforeAll(async () => {
    const archives = Promise.all([imageOfRun(), buildServerImages()])
    cluster = cleanup.use(await startCluster({ nodes: 2 }))
    const [image, servers] = await archives
    await cluster.loadImages([image.path, ...servers])
    print('cluster', Object.fromEntries(cluster.steps))
  }, 900_000)
  afterAll(() => cleanup.disposeAsync(), 240_000)

  test('helm install works on defaults', { timeout: 600_000 }, async () => {
    const startedMs = performance.now()
    release = await installFairlead(cluster, 'fairlead')
    print('helm install --wait', { ms: Math.round(performance.now() - startedMs) })
  })

  test('an Organization that is applied takes webhooks, which arrive at a pod', {
    timeout: 600_000,
  }, async () => {
    await cluster.kubectl(['create', 'namespace', 'acme'])
    destination = await startDestination(cluster, 'acme', imageTag)
    const startedMs = performance.now()
    await applyOrganization(acme, 'acme', {
      destinationUrl: destination.url,
      secrets: { first: secrets.first },
    })
    url = await readSourceUrl(acme, 'acme')
    await using provider = startProvider(cluster, url, secrets.first, 5)
    await until(async () => (await destination.arrived()).size > 0, {
      deadlineMs: 60_000,
      everyMs: 500,
      what: 'the first arrival',
    })
    print('applied → first arrival', { ms: Math.round(performance.now() - startedMs) })
    await expectAllArrived(await provider.stop())
  })

  test('helm test posts a signed webhook and sees its delivery', { timeout: 600_000 }, async () => {
    await cluster.helm(['test', 'fl', '--namespace', release.namespace, '--timeout', '240s'])
  })

  test('a secret is rotated with overlap, and nothing is refused or lost', {
    timeout: 600_000,
  }, async () => {
    const ids = Object.keys(secrets).map(key => `acme-github/${key}`)
    const apply = (keys: Partial<typeof secrets>) =>
      applyOrganization(acme, 'acme', { destinationUrl: destination.url, secrets: keys })
    const known = async () => (await sourceOf()).secrets.map(({ id }) => id)
    await using old = startProvider(cluster, url, secrets.first, 20)
    await apply(secrets)
    await until(async () => new Set(ids).isSubsetOf(new Set(await known())), {
      deadlineMs: 60_000,
      everyMs: 500,
      what: 'both secrets in the status',
    })
    await using young = startProvider(cluster, url, secrets.second, 20)
    const { size } = await destination.arrived()
    await until(async () => (await destination.arrived()).size > size + 200, {
      deadlineMs: 60_000,
      everyMs: 500,
      what: 'webhooks signed with either secret',
    })
    const before = await old.stop()
    await apply({ second: secrets.second })
    await until(async () => !(await known()).includes(ids[0]!), {
      deadlineMs: 60_000,
      everyMs: 500,
      what: 'the end of the first secret',
    })
    await expectAllArrived([...before, ...(await young.stop())])
  })

  test('an upgrade with other values loses and refuses nothing', { timeout: 600_000 }, async () => {
    const replicas = ['receiver', 'worker', 'store', 'api', 'operator'].map(
      part => `--set=${part}.replicas=2`,
    )
    await underWebhooks('helm upgrade', () => release.upgrade([...replicas, '--set=logLevel=warn']))
  })

  test('a restart of every workload loses and refuses nothing', { timeout: 600_000 }, async () => {
    await underWebhooks('rollout restart of everything', async () => {
      const workloads = (await release.kubectl(['get', 'deployments,statefulsets', '-o', 'name']))
        .trim()
        .split('\n')
      await release.kubectl(['rollout', 'restart', ...workloads])
      for (const workload of workloads)
        await release.kubectl(['rollout', 'status', workload, '--timeout=180s'])
    })
  })

  test('a node is drained, and nothing is lost or refused', { timeout: 600_000 }, async () => {
    await underWebhooks('kubectl drain n2', async () => {
      const drain = ['drain', 'n2', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=150s']
      await cluster.kubectl(drain)
      const left = await release.kubectl(['get', 'pods', '--field-selector=spec.nodeName=n2', '-o', 'name'])
      expect(left.trim()).toBe('')
      await cluster.kubectl(['uncordon', 'n2'])
    })
  })

  test('without the API server webhooks flow', { timeout: 600_000 }, async () => {
    await underWebhooks('no API server', async () => {
      await cluster.stopApiServer()
      await delay(options.apiServerAwayMs)
      await cluster.startApiServer()
      await cluster.kubectl(['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=150s'])
    })
    await acme(['wait', '--for=condition=Ready', 'organization/acme', '--timeout=180s'])
  })

  test('each pod stays within its memory', async () => {
    const memory = await readPodMemory(cluster, release.namespace)
    print('MiB of each pod', Object.fromEntries(memory))
    expect(Math.max(...memory.values())).toBeLessThan(512)
  })

  test('another release on three NATS servers outlives the death of their leader', {
    timeout: 600_000,
  }, async () => {
    await cluster.kubectl(['create', 'namespace', 'ha'])
    const [nats] = await Promise.all([
      startNatsServers(cluster, 'ha'),
      // A default release looks after the Organizations of all namespaces, so the first one makes way.
      cluster.helm(['uninstall', 'fl', '--namespace', 'fairlead', '--wait']),
    ])
    release = await installFairlead(cluster, 'ha', [`--set=nats.url=${nats.url},streams.replicas=3`])
    url = await until(
      async () => readSourceUrl(acme, 'acme').then(found => found.includes('.ha.') && found),
      {
        deadlineMs: 60_000,
        everyMs: 500,
        what: "the other release's URL",
      },
    )
    await underWebhooks('kill -9 of the leader of EVENTS', async () => {
      const leader = await nats.leaderOf('EVENTS')
      await nats.kill(leader)
      await until(async () => (await nats.leaderOf('EVENTS')) !== leader, {
        deadlineMs: 60_000,
        everyMs: 500,
      })
      const { size } = await destination.arrived()
      await until(async () => (await destination.arrived()).size > size + 5 * options.perSecond, {
        deadlineMs: 60_000,
        everyMs: 500,
        what: 'webhooks under the new leader',
      })
      await cluster.kubectl(['-n', 'ha', 'rollout', 'status', 'statefulset/nats', '--timeout=180s'])
    })
  })

  interface SourceStatus {
    readonly secrets: readonly { readonly id: string }[]
  }

  async function sourceOf(): Promise<SourceStatus> {
    const text = await acme(['get', 'organization', 'acme', '-o', 'jsonpath={.status.sources[0]}'])
    return JSON.parse(text) as SourceStatus
  }

  /** Webhooks before, while and after something is done; none may be refused for good or get lost. */
  async function underWebhooks(what: string, act: () => Promise<void>): Promise<void> {
    await using provider = startProvider(cluster, url, secrets.second, options.perSecond)
    const startedMs = performance.now()
    await act()
    print(what, { ms: Math.round(performance.now() - startedMs) })
    await expectAllArrived(await provider.stop())
  }

  /** Compares by id: everything that was accepted is at the destination. */
  async function expectAllArrived(posted: readonly Posted[]): Promise<void> {
    const accepted = posted.flatMap(({ id }) => id ?? [])
    let missing: string[] = []
    await until(
      async () => {
        const arrived = await destination.arrived()
        missing = accepted.filter(id => !arrived.has(id))
        return missing.length === 0
      },
      { deadlineMs: 60_000, everyMs: 1_000 },
    ).catch(() => {})
    const arrived = await destination.arrived()
    const repeats = accepted.reduce((sum, id) => sum + (arrived.get(id) ?? 1) - 1, 0)
    const seen = see(posted)
    print('webhooks', { ...seen, lost: missing.length, repeats })
    expect({ failed: seen.failed, faults: seen.faults, missing }).toEqual({
      failed: 0,
      faults: {},
      missing: [],
    })
  }
}

function print(what: string, figures: object): void {
  console.log(`  ${what}: ${JSON.stringify(figures)}`)
}
