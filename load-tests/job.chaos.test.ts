import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startCluster } from '@fairlead/testbed/cluster/cluster'
import { installFairlead } from '@fairlead/testbed/cluster/fairlead'
import { buildServerImages } from '@fairlead/testbed/cluster/images/servers'
import { whyNoCluster } from '@fairlead/testbed/cluster/probe'
import { imageOfRun, imageTag } from '@fairlead/testbed/run'
import { expect, test } from 'vitest'
import { htmlOf, type Report } from './report.ts'

const reason = await whyNoCluster()
if (reason && process.env.CI) throw new Error(`this machine can't host a cluster: ${reason}`)

/** README.md, "In a cluster": `node load-tests/job.ts … | kubectl apply -f -`, `kubectl logs … > report.json`. */
test.skipIf(reason)(
  reason
    ? `a load test in a cluster (none here: ${reason})`
    : 'a load test runs as a Job in a cluster, is judged, and leaves nothing',
  { timeout: 900_000 },
  async () => {
    await using stack = new AsyncDisposableStack()
    const archives = Promise.all([imageOfRun(), buildServerImages()])
    const cluster = stack.use(await startCluster({ nodes: 1 }))
    const [image, servers] = await archives
    await cluster.loadImages([image.path, ...servers])
    await installFairlead(cluster, 'fairlead')
    const { stdout: manifests } = await promisify(execFile)(process.execPath, [
      join(import.meta.dirname, 'job.ts'),
      'ingest',
      '--namespace=fairlead',
      `--image=${imageTag}`,
      '--receiver-url=http://fl-receiver.fairlead',
      '--seconds=0.1',
      '--rate=0.1',
      '--times=40',
    ])
    await cluster.kubectl(['apply', '-f', '-'], manifests)
    const inNamespace = ['-n', 'fairlead']
    const logged = await cluster.kubectl([
      ...inNamespace,
      'logs',
      'job/fairlead-load',
      '-f',
      '--pod-running-timeout=5m',
    ])
    const report = JSON.parse(logged.trim().split('\n').at(-1)!) as Report
    console.log(`  ${JSON.stringify(report.verdicts)}`)
    expect(report.verdicts.filter(({ kept }) => !kept)).toEqual([])
    expect(htmlOf(report)).toContain('ingest')
    await cluster.kubectl([
      ...inNamespace,
      'wait',
      '--for=condition=Complete',
      'job/fairlead-load',
      '--timeout=60s',
    ])
    await cluster.kubectl(['delete', '-f', '-'], manifests)
    const left = await cluster.kubectl([...inNamespace, 'get', 'organizations,jobs', '-o', 'name'])
    expect(left).not.toContain('load')
  },
)
