import { resolve } from 'node:path'
import { imageTag } from '../run.ts'
import type { Cluster } from './cluster.ts'
import { serverImageValues } from './images/servers.ts'

const chart = resolve(import.meta.dirname, '../../charts/fairlead')
/** A release of the chart. */
export interface Release {
  readonly namespace: string
  /** `helm upgrade --wait` with more values; those of before stay. */
  upgrade(values: readonly string[]): Promise<void>
  kubectl(args: readonly string[], input?: string): Promise<string>
}

/** `helm install --wait` of the chart as it is, with the images that are here, and destinations within the cluster. */
export async function installFairlead(
  cluster: Cluster,
  namespace: string,
  values: readonly string[] = [],
): Promise<Release> {
  const [repository, tag] = imageTag.split(':')
  const common = ['--namespace', namespace, '--wait', '--timeout', '300s']
  const settings = [
    `--set=image.repository=${repository},image.tag=${tag}`,
    ...serverImageValues,
    `--set=publicUrl=http://fl-receiver.${namespace}.svc.cluster.local`,
    // Pods' addresses are private, where workers don't deliver unless told.
    '--set=worker.destinationAllow={10.244.0.0/16,10.96.0.0/24}',
  ]
  const kubectl: Release['kubectl'] = (args, input) => cluster.kubectl(['-n', namespace, ...args], input)
  try {
    await cluster.helm(['install', 'fl', chart, '--create-namespace', ...common, ...settings, ...values])
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${await describePods(kubectl)}`, { cause })
  }
  return {
    namespace,
    async upgrade(more) {
      await cluster.helm(['upgrade', 'fl', chart, '--reuse-values', ...common, ...more])
    },
    kubectl,
  }
}

/** What helps to see why pods don't get ready. */
async function describePods(kubectl: Release['kubectl']): Promise<string> {
  const pods = await kubectl(['get', 'pods', '-o', 'wide'])
  const events = await kubectl(['get', 'events', '--sort-by=.lastTimestamp', '--field-selector=type=Warning'])
  return `${pods}\n${events.split('\n').slice(-30).join('\n')}`
}

/** Applies an Organization with one GitHub source and one destination. */
export async function applyOrganization(
  kubectl: Release['kubectl'],
  name: string,
  options: { readonly destinationUrl: string; readonly secrets: Readonly<Record<string, string>> },
): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${name}-github` },
    stringData: options.secrets,
  }
  const organization = {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Organization',
    metadata: { name },
    spec: {
      displayName: name,
      sources: [
        {
          name: 'github',
          provider: 'github',
          secrets: Object.keys(options.secrets).map(key => ({ secretRef: { name: `${name}-github`, key } })),
        },
      ],
      destinations: [
        {
          name: 'pod',
          url: options.destinationUrl,
          allowInsecureHttp: true,
          concurrency: 50,
          retry: { delaysSeconds: [1, 2, 4, 8, 16, 30] },
        },
      ],
      routes: [{ source: 'github', eventTypes: ['*'], destinations: ['pod'] }],
    },
  }
  const list = { apiVersion: 'v1', kind: 'List', items: [secret, organization] }
  await kubectl(['apply', '-f', '-'], JSON.stringify(list))
}

/** The URL of a source, once the Organization is Ready. */
export async function readSourceUrl(kubectl: Release['kubectl'], name: string): Promise<string> {
  await kubectl(['wait', '--for=condition=Ready', `organization/${name}`, '--timeout=180s'])
  return kubectl(['get', 'organization', name, '-o', 'jsonpath={.status.sources[0].url}'])
}
