import { until } from '../until.ts'
import type { Cluster } from './cluster.ts'

/** A pod that takes webhooks and remembers their ids; the image brings Node. It stays on the first node. */
export interface Destination {
  readonly url: string
  /** How often each event's id arrived. */
  arrived(): Promise<ReadonlyMap<string, number>>
}

const program = `
const counts = {}
require('node:http').createServer((request, response) => {
  if (request.method === 'GET') return response.end(JSON.stringify(counts))
  const id = request.headers['webhook-id']
  request.resume().on('end', () => {
    counts[id] = (counts[id] ?? 0) + 1
    response.end()
  })
}).listen(8080)
process.once('SIGTERM', () => process.exit(0))
`

export async function startDestination(
  cluster: Cluster,
  namespace: string,
  image: string,
): Promise<Destination> {
  const labels = { app: 'destination' }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'destination', namespace, labels },
    spec: {
      nodeName: cluster.nodes[0]!.name,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'node',
          image,
          command: ['node', '--eval', program],
          readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
        },
      ],
    },
  }
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'destination', namespace },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  }
  const list = { apiVersion: 'v1', kind: 'List', items: [pod, service] }
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(list))
  await cluster.kubectl([
    '-n',
    namespace,
    'wait',
    '--for=condition=Ready',
    'pod/destination',
    '--timeout=180s',
  ])
  return {
    url: `http://destination.${namespace}.svc.cluster.local/hooks`,
    async arrived() {
      const path = `/api/v1/namespaces/${namespace}/pods/destination:8080/proxy/`
      // Again, because an API server that was just started may not know its way to pods yet.
      const counts = await until(() => cluster.kubectl(['get', '--raw', path]), {
        deadlineMs: 30_000,
        everyMs: 500,
        what: 'the arrivals',
      })
      return new Map(Object.entries(JSON.parse(counts)))
    },
  }
}
