import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { type Child, freePort, startChild, untilReady } from '@fairlead/servers/processes'
import { scratchFolder } from '../scratch.ts'
import { until } from '../until.ts'
import { type ApiCalls, openApiCalls } from './api-call.ts'
import { findKubePrograms, type KubePrograms } from './programs.ts'

/**
 * A real kube-apiserver and its etcd on loopback ports: custom resources with their schemas and CEL rules, server-side
 * apply, watches, leases and RBAC are what they are in a cluster. No nodes: pods never run. Starts in about 4 s.
 */
export interface TestKube extends AsyncDisposable, ApiCalls {
  readonly url: string
  /** A kubeconfig for the cluster's administrator. */
  readonly kubeconfig: string
  /** Runs kubectl as the administrator; answers with its output, rejects with what it says on standard error. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /** A kubeconfig for whoever has this token. */
  kubeconfigFor(name: string, token: string): Promise<string>
  /** The API server dies; etcd keeps everything. */
  stopApiServer(): Promise<void>
  startApiServer(): Promise<void>
}

/**
 * @param options.crds a folder of CRDs, which answer when this resolves
 * @param options.controllers controllers of the controller manager to run; default: no controller manager. Those that
 * look at custom resources find only CRDs that are there before them
 */
export async function startTestKube(
  options: { readonly crds?: string; readonly controllers?: readonly string[] } = {},
): Promise<TestKube> {
  await using cleanup = new AsyncDisposableStack()
  const programs = await findKubePrograms()
  const home = cleanup.use(await scratchFolder()).path
  const token = randomBytes(16).toString('hex')
  const etcdUrl = await startEtcd(programs, home, cleanup)
  await writeKeys(home, token)
  const port = await freePort()
  const url = `https://127.0.0.1:${port}`
  let apiServer = await startApiServer(programs, home, port, etcdUrl)
  cleanup.defer(() => apiServer.stop())
  const writeKubeconfig = async (name: string, bearer: string) => {
    const path = join(home, `${name}.kubeconfig`)
    await writeFile(path, await kubeconfigText(home, url, bearer), { mode: 0o600 })
    return path
  }
  const kubeconfig = await writeKubeconfig('admin', token)
  const kubectl: TestKube['kubectl'] = (args, input) =>
    run(programs.kubectl, ['--kubeconfig', kubeconfig, ...args], input, home)
  const calls = openApiCalls(url, token, await readFile(join(home, 'certificates/apiserver.crt')))
  cleanup.use(calls)
  if (options.crds) await installCrds(kubectl, calls, options.crds)
  if (options.controllers) await startControllers(programs, home, kubeconfig, options.controllers, cleanup)
  const held = cleanup.move()
  return {
    url,
    kubeconfig,
    kubectl,
    call: calls.call,
    apply: calls.apply,
    dryRun: calls.dryRun,
    kubeconfigFor: writeKubeconfig,
    stopApiServer: () => apiServer.kill9(),
    async startApiServer() {
      apiServer = await startApiServer(programs, home, port, etcdUrl)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function startEtcd(
  { etcd }: KubePrograms,
  home: string,
  cleanup: AsyncDisposableStack,
): Promise<string> {
  const [client, peer] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${client}`
  const peerUrl = `http://127.0.0.1:${peer}`
  const args = [
    ...['--data-dir', join(home, 'etcd'), '--unsafe-no-fsync', '--log-level', 'error'],
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...[
      '--listen-peer-urls',
      peerUrl,
      '--initial-advertise-peer-urls',
      peerUrl,
      '--initial-cluster',
      `default=${peerUrl}`,
    ],
  ]
  const child = cleanup.use(await startChild({ name: 'etcd', home, command: etcd, args }))
  const isReady = async () => (await fetch(`${url}/readyz`)).ok
  await untilReady(child, { name: 'etcd', home, port: client, deadlineMs: 60_000 }, isReady)
  return url
}

async function startApiServer(
  { apiServer }: KubePrograms,
  home: string,
  port: number,
  etcdUrl: string,
): Promise<Child> {
  const args = [
    ...['--etcd-servers', etcdUrl, '--secure-port', String(port), '--bind-address', '127.0.0.1'],
    // Makes its own serving certificate there.
    ...['--cert-dir', join(home, 'certificates'), '--service-cluster-ip-range', '10.96.0.0/24'],
    ...['--authorization-mode', 'RBAC', '--token-auth-file', join(home, 'tokens.csv')],
    // No controller makes the accounts and the endpoints that these would wait for.
    ...['--disable-admission-plugins', 'ServiceAccount', '--endpoint-reconciler-type', 'none'],
    ...['--service-account-issuer', 'https://kubernetes.default.svc'],
    ...['--service-account-signing-key-file', join(home, 'accounts.key')],
    ...['--service-account-key-file', join(home, 'accounts.pub'), '--allow-privileged'],
  ]
  const child = await startChild({ name: 'kube-apiserver', home, command: apiServer, args })
  const isReady = async () => (await getReady(port)) === 200
  await untilReady(child, { name: 'kube-apiserver', home, port, deadlineMs: 180_000 }, isReady)
  return child
}

/** Anonymous requests may ask for this; the certificate isn't known yet. */
function getReady(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/readyz', rejectUnauthorized: false, agent: false },
      answer => {
        answer.resume()
        resolve(answer.statusCode)
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

async function startControllers(
  { controllerManager }: KubePrograms,
  home: string,
  kubeconfig: string,
  controllers: readonly string[],
  cleanup: AsyncDisposableStack,
): Promise<void> {
  const args = [
    ...['--kubeconfig', kubeconfig, '--controllers', controllers.join(',')],
    ...['--leader-elect=false', '--use-service-account-credentials=false'],
    ...[
      '--secure-port',
      '0',
      '--bind-address',
      '127.0.0.1',
      '--kube-api-qps',
      '500',
      '--kube-api-burst',
      '500',
    ],
  ]
  cleanup.use(await startChild({ name: 'kube-controller-manager', home, command: controllerManager, args }))
}

/** A list of a kind that is new is answered 429 for about a second. */
async function installCrds(kubectl: TestKube['kubectl'], { call }: ApiCalls, folder: string): Promise<void> {
  const applied = await kubectl(['apply', '--server-side', '-f', folder, '-o', 'name'])
  for (const name of applied.trim().split('\n')) {
    const crd = name.slice(name.indexOf('/') + 1)
    const { spec } = await call('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd}`)
    const list = `/apis/${spec.group}/${spec.versions[0].name}/${spec.names.plural}`
    await until(() => call('GET', list), { deadlineMs: 60_000, what: list })
  }
}

async function writeKeys(home: string, token: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await writeFile(join(home, 'accounts.key'), privateKey, { mode: 0o600 })
  await writeFile(join(home, 'accounts.pub'), publicKey)
  await writeFile(join(home, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 })
}

async function kubeconfigText(home: string, server: string, token: string): Promise<string> {
  const certificate = await readFile(join(home, 'certificates/apiserver.crt'))
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server, 'certificate-authority-data': certificate.toString('base64') } },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  })
}

/** @param home where kubectl keeps its cache */
function run(command: string, args: readonly string[], input = '', home: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, HOME: home } },
      (error, stdout, stderr) => {
        if (error) reject(new Error(stderr || error.message))
        else resolve(stdout)
      },
    )
    child.stdin?.end(input)
  })
}
