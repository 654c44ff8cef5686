import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { scratchFolder } from '../scratch.ts'
import { findHelm, type Helm } from './helm.ts'

/**
 * `k8s/fairlead.yaml`, for those without Helm: what the chart's defaults render, with the namespace and the CRDs, and
 * without Secrets. Those are made where they are used: a value in a file would be the same for everyone.
 *
 * `node testbed/kube/manifests.ts` writes it; a test says so when that was forgotten.
 */

const root = resolve(import.meta.dirname, '../..')
const chart = join(root, 'charts/fairlead')
export const manifestsFile = join(root, 'k8s/fairlead.yaml')

/** How the value of each key of each Secret is made in a shell; printf is a builtin, so that no process list shows it. */
const makers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'fairlead-encryption-keys': { keys: 'k1:$(openssl rand -base64 32)' },
  'fairlead-postgres': {
    password: '$(openssl rand -hex 24)',
    'superuser-password': '$(openssl rand -hex 24)',
  },
  // A letter first: nats-server would read digits as a number.
  'fairlead-nats': {
    'admin-password': 'p$(openssl rand -hex 24)',
    'receiver-password': 'p$(openssl rand -hex 24)',
    'store-password': 'p$(openssl rand -hex 24)',
    'worker-password': 'p$(openssl rand -hex 24)',
  },
}

const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: fairlead
  labels:
    pod-security.kubernetes.io/enforce: restricted`

/** The whole text. Throws a TypeError if the chart has a Secret, or a key in one, that nothing here says how to make. */
export async function renderManifests(helm: Helm): Promise<string> {
  const rendered = await helm([
    ...['template', 'fairlead', chart, '--namespace', 'fairlead', '--no-hooks', '--skip-tests'],
  ])
  const documents = rendered.split(/^---$/m).map(text => text.trim())
  const secrets = documents.filter(isSecret)
  const objects = documents.filter(text => text !== '' && !isSecret(text)).map(withoutHelm)
  return `${[header(secrets), namespace, ...(await readCrds()), ...objects].join('\n---\n')}\n`
}

async function readCrds(): Promise<string[]> {
  const folder = join(chart, 'crds')
  const names = (await readdir(folder)).sort()
  const texts = await Promise.all(names.map(name => readFile(join(folder, name), 'utf8')))
  return texts.map(text => text.trim())
}

const isSecret = (text: string) => /^kind: Secret$/m.test(text)

/** Whoever applies these has no release. */
function withoutHelm(text: string): string {
  return text.replaceAll(/^ *(app\.kubernetes\.io\/managed-by: Helm|helm\.sh\/chart: .*)\n/gm, '')
}

function header(secrets: readonly string[]): string {
  return [
    "Made by testbed/kube/manifests.ts from the chart's defaults. Not to be edited.",
    '',
    'First the Secrets, once. Keep a copy of fairlead-encryption-keys: what is encrypted is lost without it.',
    '',
    '  kubectl create namespace fairlead',
    ...secrets.flatMap(text => ['', ...secretCommand(text).map(line => `  ${line}`)]),
    '',
    'Then this file, and again after each upgrade (the Job first: it can’t be changed, only made anew):',
    '',
    '  kubectl delete job --namespace fairlead --selector app.kubernetes.io/component=migrate --ignore-not-found',
    '  kubectl apply --server-side -f k8s/fairlead.yaml',
  ]
    .map(line => `# ${line}`.trimEnd())
    .join('\n')
}

const secretSchema = z.object({
  metadata: z.object({ name: z.string() }),
  data: z.record(z.string(), z.string()),
})

function secretCommand(text: string): string[] {
  const { metadata, data } = secretSchema.parse(parseAllDocuments(text)[0]?.toJS())
  const made = makers[metadata.name] ?? {}
  const lines = Object.keys(data).map(key => {
    if (made[key] === undefined) {
      throw new TypeError(
        `the chart makes ${key} of the Secret ${metadata.name}: say in manifests.ts how it is made`,
      )
    }
    return `  "${key}=${made[key]}" \\`
  })
  return [
    "printf '%s\\n' \\",
    ...lines,
    `  | kubectl create secret generic ${metadata.name} --namespace fairlead --from-env-file=/dev/stdin`,
  ]
}

if (import.meta.main) {
  await using scratch = await scratchFolder()
  await writeFile(manifestsFile, await renderManifests(await findHelm(scratch.path)))
}
