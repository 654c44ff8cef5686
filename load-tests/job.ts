import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { manifest } from '@fairlead/testbed/load/subject'
import { build } from 'esbuild'
import { tenantsOf } from './organizations-of.ts'
import { findScenario, type Scenario, scaled } from './scenarios.ts'
import { durationSeconds } from './schedule.ts'

/**
 * Prints what runs a scenario in a cluster: its Organizations, and a Job that sends, receives and judges. README.md says how.
 *
 *   node load-tests/job.ts ingest [--namespace fairlead] [--image localhost/fairlead:dev] [--seconds 0.1] [--rate 0.5] \
 *     [--times 2] [--receiver-url http://fairlead-receiver.fairlead] | kubectl apply -f -
 */
export interface JobOptions {
  readonly scenario: string
  readonly namespace: string
  readonly image: string
  readonly receiverUrl: string
  readonly seconds: number
  readonly rate: number
  readonly times: number
}

const name = 'fairlead-load'
const sinkPort = 8091
/** Until organizations are known everywhere, and until what was accepted has arrived. */
const marginSeconds = 300

export async function renderJob(options: JobOptions): Promise<string> {
  const { namespace, rate, seconds } = options
  const scenario = scaled(findScenario(options.scenario), { seconds, rate })
  const organizations = tenantsOf(scenario, `http://${name}.${namespace}.svc.cluster.local:${sinkPort}`).map(
    tenant => manifest(tenant, namespace).trim(),
  )
  const objects = [configMap(namespace, await bundle()), service(namespace), job(scenario, options)]
  return `${[...organizations, ...objects.map(object => JSON.stringify(object, null, 2))].join('\n---\n')}\n`
}

/** The Job's program, in one file. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'job-main.ts')],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    write: false,
    legalComments: 'none',
  })
  return outputFiles[0]!.text
}

const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'fairlead' }

const configMap = (namespace: string, text: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
  data: { 'run.mjs': text },
})

const service = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, labels },
  spec: { selector: labels, ports: [{ name: 'http', port: sinkPort, targetPort: 'http' }] },
})

const longest = ({ flows }: Scenario): number =>
  Math.max(...flows.map(({ stages }) => durationSeconds(stages)))

const job = (scenario: Scenario, { namespace, image, receiverUrl, seconds, rate, times }: JobOptions) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace, labels },
  spec: {
    // A second try would be another measurement.
    backoffLimit: 0,
    activeDeadlineSeconds: Math.ceil(longest(scenario)) + marginSeconds,
    ttlSecondsAfterFinished: 86_400,
    template: {
      metadata: { labels },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65_532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'load',
            image,
            command: ['/usr/local/bin/node', '/load/run.mjs'],
            env: Object.entries({
              SCENARIO: scenario.name,
              RECEIVER_URL: receiverUrl,
              SINK_PORT: sinkPort,
              SECONDS: seconds,
              RATE: rate,
              TIMES: times,
            }).map(([key, value]) => ({ name: key, value: String(value) })),
            ports: [{ name: 'http', containerPort: sinkPort }],
            resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { memory: '1Gi' } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            volumeMounts: [{ name: 'program', mountPath: '/load', readOnly: true }],
          },
        ],
        volumes: [{ name: 'program', configMap: { name } }],
      },
    },
  },
})

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      namespace: { type: 'string', default: 'fairlead' },
      image: { type: 'string', default: 'localhost/fairlead:dev' },
      'receiver-url': { type: 'string' },
      seconds: { type: 'string', default: '1' },
      rate: { type: 'string', default: '1' },
      times: { type: 'string', default: '1' },
    },
  })
  const { namespace, image } = values
  process.stdout.write(
    await renderJob({
      scenario: positionals[0] ?? '',
      namespace,
      image,
      receiverUrl: values['receiver-url'] ?? `http://fairlead-receiver.${namespace}`,
      seconds: Number(values.seconds),
      rate: Number(values.rate),
      times: Number(values.times),
    }),
  )
}
