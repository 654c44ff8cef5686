import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageOfRun } from '../run.ts'
import { until } from '../until.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { installFairlead, type Release } from './fairlead.ts'
import { buildServerImages } from './images/servers.ts'
import { whyNoCluster } from './probe.ts'

const reason = await whyNoCluster()
if (reason && process.env.CI) throw new Error(`this machine can't host a cluster: ${reason}`)

const organization = {
  apiVersion: 'fairlead.dev/v1alpha1',
  kind: 'Organization',
  metadata: { name: 'acme' },
  spec: { displayName: 'Acme', slo: { freshness: { target: 0.99 } } },
}

interface Condition {
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** The prober in a real cluster. Each test builds on those before it. */
describe.skipIf(reason)(
  reason ? `the prober in a cluster (none here: ${reason})` : 'the prober in a cluster',
  () => {
    const cleanup = new AsyncDisposableStack()
    let cluster: Cluster
    let release: Release

    beforeAll(async () => {
      const archives = Promise.all([imageOfRun(), buildServerImages()])
      cluster = cleanup.use(await startCluster({ nodes: 1 }))
      const [image, servers] = await archives
      await cluster.loadImages([image.path, ...servers])
      release = await installFairlead(cluster, 'fairlead', [
        '--set=prober.enabled=true,prober.intervalMs=2000,test.probedSeconds=60',
      ])
      await cluster.kubectl(['create', 'namespace', 'acme'])
      await cluster.kubectl(['-n', 'acme', 'apply', '-f', '-'], JSON.stringify(organization))
    }, 900_000)
    afterAll(() => cleanup.disposeAsync(), 240_000)

    const helmTest = () =>
      cluster.helm(['test', 'fl', '--namespace', 'fairlead', '--timeout', '300s', '--logs'])

    async function delivering(): Promise<Condition | undefined> {
      const path = '-o=jsonpath={.status.conditions[?(@.type=="Delivering")]}'
      const text = await cluster.kubectl(['-n', 'acme', 'get', 'organization', 'acme', path])
      return text === '' ? undefined : (JSON.parse(text) as Condition)
    }

    /** Waits until `Delivering` has a status. @returns the seconds that took, and what it says */
    async function untilDelivering(status: string, deadlineMs: number) {
      const startMs = performance.now()
      const condition = await until(
        async () => {
          const found = await delivering()
          return found?.status === status && found
        },
        { deadlineMs, everyMs: 500, what: `Delivering ${status}` },
      ).catch(async cause => {
        throw new Error(`${cause}; it is ${JSON.stringify(await delivering())}`, { cause })
      })
      return { seconds: Math.round((performance.now() - startMs) / 1_000), ...condition }
    }

    test('Organizations with objectives are Delivering once probes arrive, and the gate passes', {
      timeout: 400_000,
    }, async () => {
      const told = await untilDelivering('True', 180_000)
      expect(told.reason).toBe('ProbesArrive')
      print('first', told)
      print('helm test', { said: reportIn(await helmTest()) })
    })

    test('an upgrade that loses nothing passes the gate', { timeout: 400_000 }, async () => {
      await release.upgrade(['--set=receiver.replicas=2', '--set=logLevel=warn'])
      print('upgrade', { said: reportIn(await helmTest()) })
    })

    test('an upgrade that accepts and does not deliver is told within a minute, and fails at the gate', {
      timeout: 400_000,
    }, async () => {
      // Workers start and are ready, but may not reach the port of any destination that is not TLS.
      await release.upgrade(['--set-string=worker.destinationPorts=443'])
      const gate = helmTest().then(
        said => ({ passed: true, said }),
        (error: Error) => ({ passed: false, said: error.message }),
      )
      const told = await untilDelivering('False', 60_000)
      expect(told).toMatchObject({
        reason: 'ProbesFail',
        message: expect.stringMatching(/accepted, not arrived/),
      })
      print('sabotage', told)
      // Its successor knows the probes that are open.
      await release.kubectl(['delete', 'pod', '--selector=app.kubernetes.io/component=prober', '--force'])
      expect(await gate).toMatchObject({ passed: false })
      await release.kubectl(['rollout', 'status', 'deployment/fl-prober', '--timeout=120s'])
      expect(await delivering()).toMatchObject({ status: 'False' })
    })

    test('after a rollback the probes that were open arrive, none is lost, and the gate passes again', {
      timeout: 600_000,
    }, async () => {
      await cluster.helm(['rollback', 'fl', '--namespace', 'fairlead', '--wait', '--timeout', '180s'])
      print('rollback', await untilDelivering('True', 240_000))
      // While the last minute has the gap, the gate says so.
      const said = await until(async () => helmTest().catch(() => undefined), {
        deadlineMs: 300_000,
        everyMs: 2_000,
        what: 'a gate that passes',
      })
      print('helm test', { said: reportIn(said) })
      const logs = await release.kubectl(['logs', 'deployment/fl-prober'])
      expect(logs).not.toContain('probe.lost')
    })
  },
)

/** What the gate was told of the probes. */
const reportIn = (said: string): string | undefined => /probes of the last .*/.exec(said)?.[0]

function print(what: string, figures: object): void {
  console.log(`  ${what}: ${JSON.stringify(figures)}`)
}
