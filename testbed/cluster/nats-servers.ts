import { until } from '../until.ts'
import type { Cluster } from './cluster.ts'

/** Three nats-servers of one JetStream cluster, as production has them; without users. */
export interface NatsServers {
  /** For the chart's `nats.url`. */
  readonly url: string
  /** Which pod leads a stream. */
  leaderOf(stream: string): Promise<string>
  /** Kills a pod as a crash would: no grace, its volume stays. Another one of the name takes its place. */
  kill(pod: string): Promise<void>
}

const names = ['nats-0', 'nats-1', 'nats-2']

const configuration = `
http_port: 8222
max_payload: 9MB
server_name: $POD_NAME
jetstream {
  store_dir: /data
  sync_interval: always
}
cluster {
  name: test
  port: 6222
  routes: [${names.map(name => `nats://${name}.nats:6222`).join(', ')}]
}
`

export async function startNatsServers(cluster: Cluster, namespace: string): Promise<NatsServers> {
  const items = objects().map(object => ({ ...object, metadata: { ...object.metadata, namespace } }))
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const kubectl = (...args: string[]) => cluster.kubectl(['-n', namespace, ...args])
  await kubectl('rollout', 'status', 'statefulset/nats', '--timeout=180s')
  return {
    url: names.map(name => `nats://${name}.nats.${namespace}:4222`).join('\\,'),
    async leaderOf(stream) {
      return await until(
        async () => {
          const path = `/api/v1/namespaces/${namespace}/pods/${names[0]}:8222/proxy/jsz?streams=true`
          const { account_details = [] } = JSON.parse(await cluster.kubectl(['get', '--raw', path])) as Jsz
          const streams = account_details.flatMap(account => account.stream_detail ?? [])
          return streams.find(({ name }) => name === stream)?.cluster?.leader
        },
        { deadlineMs: 30_000, everyMs: 200, what: `a leader of ${stream}` },
      )
    },
    async kill(pod) {
      await kubectl('delete', 'pod', pod, '--grace-period=0', '--force')
    },
  }
}

/** What is read of https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#jetstream-information */
interface Jsz {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string
      readonly cluster?: { readonly leader?: string }
    }[]
  }[]
}

function objects() {
  const metadata = { name: 'nats' }
  const labels = { app: 'nats' }
  const container = {
    name: 'nats',
    image: 'localhost/nats:1',
    args: ['--config', '/etc/nats/nats.conf'],
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    readinessProbe: { httpGet: { path: '/healthz?js-server-only=true', port: 8222 }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'config', mountPath: '/etc/nats' },
    ],
  }
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'nats.conf': configuration } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      // They have to find each other before they are ready.
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector: labels,
        ports: [{ name: 'nats', port: 4222 }],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata,
      spec: {
        serviceName: 'nats',
        replicas: names.length,
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [container], volumes: [{ name: 'config', configMap: metadata }] },
        },
        volumeClaimTemplates: [claim],
      },
    },
  ]
}
