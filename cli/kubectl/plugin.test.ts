import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestKube, type TestKube } from '@fairlead/testbed/kube/api-server'
import { findKubePrograms } from '@fairlead/testbed/kube/programs'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { isRunning, processTree } from '@fairlead/testbed/process-tree'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { compileCache, type Ended, runHere } from '../fixtures/run-here.ts'
import { readPluginArguments } from './arguments.ts'
import { runPlugin } from './plugin.ts'

/**
 * The plugin against a real API server with real Organizations, Secrets, Services and rights, by the real kubectl, and
 * Fairlead as `npm start` runs it behind. One thing is a stand-in: the API server has no kubelet, so what kubectl's
 * port-forward carries to a pod is carried to Fairlead's own port (`fixtures/kubectl.ts`).
 */

const root = resolve(import.meta.dirname, '../..')
const opened = new AsyncDisposableStack()
let kube: TestKube
let env: Record<string, string>
/** The environment with kubectl itself on the PATH, not the stand-in. */
let real: Record<string, string>
let apiKey: string
afterAll(() => opened.disposeAsync())

beforeAll(async () => {
  const home = opened.use(await scratchFolder()).path
  const programs = await findKubePrograms()
  const { url: postgresUrl } = opened.use(await createTestDatabase())
  const settings = { ...(await freeSettings(join(home, 'fairlead'))), postgresUrl }
  const standalone = opened.use(startStandalone(settings))
  kube = opened.use(await startTestKube({ crds: join(root, 'charts/fairlead/crds') }))
  const bin = join(home, 'bin')
  const fixture = fileURLToPath(import.meta.resolve('./fixtures/kubectl.ts'))
  await mkdir(bin)
  await writeFile(join(bin, 'kubectl'), standIn(fixture), { mode: 0o755 })
  const path = `${resolve(programs.kubectl, '..')}${delimiter}${process.env.PATH}`
  real = { PATH: path, HOME: home, NO_COLOR: '1', TZ: 'UTC', ...compileCache }
  env = {
    ...real,
    PATH: `${bin}${delimiter}${path}`,
    TEST_KUBECTL: programs.kubectl,
    TEST_API_PORT: String(settings.apiPort),
    TEST_RECEIVER_PORT: String(settings.receiverPort),
    KUBECONFIG: kube.kubeconfig,
  }
  await standalone.ready()
  const secret = parseYaml(await readFile(join(settings.home, 'secrets/default/acme-fairlead.yaml'), 'utf8'))
  apiKey = secret.stringData['api-key']
  await fill()
}, 240_000)

/** A process of Node's only for a port-forward, and where TEST_LOG wants to know what was asked. */
const standIn = (fixture: string) => `#!/bin/sh
case "$*" in *port-forward*) own=yes ;; esac
[ -z "$own$TEST_LOG" ] && exec "$TEST_KUBECTL" "$@"
exec '${process.execPath}' '${fixture}' "$@"
`

const service = (namespace: string, component: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: `fl-${component}`,
    namespace,
    labels: { 'app.kubernetes.io/name': 'fairlead', 'app.kubernetes.io/component': component },
  },
  spec: { ports: [{ name: 'http', port: 80 }], selector: { app: component } },
})

/** What the chart and the operator leave in a cluster. */
async function fill(): Promise<void> {
  for (const name of ['fairlead', 'tenants', 'empty']) await kube.kubectl(['create', 'namespace', name])
  for (const component of ['api', 'receiver']) {
    await kube.kubectl(['apply', '-f', '-'], JSON.stringify(service('fairlead', component)))
  }
  await kube.kubectl(['apply', '-n', 'tenants', '-f', join(root, 'k8s/samples')])
  await kube.kubectl([
    'create',
    'secret',
    'generic',
    'acme-fairlead',
    '-n',
    'tenants',
    `--from-literal=api-key=${apiKey}`,
  ])
}

const plugin = (
  args: readonly string[],
  more: Record<string, string> = {},
  base: Readonly<Record<string, string>> = env,
): Promise<Ended> => runHere(() => runPlugin(args, process.env), { ...base, ...more })

/** A kubeconfig of someone with these rights. */
async function someone(name: string, rules: Record<string, readonly object[]>): Promise<string> {
  await kube.kubectl(['create', 'serviceaccount', name, '-n', 'tenants'])
  for (const [namespace, list] of Object.entries(rules)) {
    const metadata = { name, namespace }
    const objects = [
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules: list },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'tenants' }],
      },
    ]
    for (const object of objects) await kube.kubectl(['apply', '-f', '-'], JSON.stringify(object))
  }
  return await kube.kubeconfigFor(
    name,
    (await kube.kubectl(['create', 'token', name, '-n', 'tenants'])).trim(),
  )
}

const readsOrganizations = {
  apiGroups: ['fairlead.dev'],
  resources: ['organizations'],
  verbs: ['get', 'list'],
}
const readsKey = { apiGroups: [''], resources: ['secrets'], resourceNames: ['acme-fairlead'], verbs: ['get'] }
const findsServices = { apiGroups: [''], resources: ['services'], verbs: ['list'] }

test('a webhook is sent, signed with the source’s own Secret, and found in the log', async () => {
  const sent = await plugin(['-n', 'tenants', 'send', 'stripe', '--json'])
  expect(sent).toMatchObject({ code: 0, stderr: '' })
  const { id } = JSON.parse(sent.stdout)
  const listed = await until(
    async () => {
      const { stdout } = await plugin(['events', '--namespace', 'tenants', '-n', '5', '--json'])
      return stdout.includes(id) && stdout
    },
    { deadlineMs: 60_000, what: 'the event' },
  )
  expect(listed).not.toContain(apiKey)
})

test('an organization is meant by name or slug, before the command or behind it', async () => {
  for (const args of [
    ['-n', 'tenants', '-o', 'acme', 'destinations'],
    ['destinations', '--organization=acme', '--namespace=tenants'],
  ]) {
    const ended = await plugin(args)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain('healthy')
  }
})

test('with an address of the API no Service is needed, and another Fairlead’s is never asked', async () => {
  const url = `http://127.0.0.1:${env.TEST_API_PORT}`
  const more = {
    TEST_API_PORT: '1',
    FAIRLEAD_API_URL: 'http://127.0.0.1:1',
    FAIRLEAD_API_KEY: 'key_live_test_only',
  }
  const args = ['-n', 'tenants', 'destinations', '--url', url]
  expect(await plugin(args, more)).toMatchObject({ code: 0, stderr: '' })
})

test('a tenant’s own rights are enough, where Fairlead is where it usually is', async () => {
  const rules = { tenants: [readsOrganizations, readsKey], fairlead: [findsServices] }
  const KUBECONFIG = await someone('ada', rules)
  expect(await plugin(['-n', 'tenants', 'destinations'], { KUBECONFIG })).toMatchObject({
    code: 0,
    stderr: '',
  })
})

test.each<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'])(
  '%s ends the port-forward too',
  async signal => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), '-n', 'tenants', 'events', '--follow'],
      { env, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    const [, ...descendants] = processTree(child.pid!)
    // The leash and kubectl.
    expect(descendants).toHaveLength(2)
    child.kill(signal)
    expect(await once(child, 'close')).toEqual([null, signal])
    await until(() => !descendants.some(isRunning), { what: 'the end of kubectl' })
  },
)

test('neither an argument nor the environment of any kubectl holds the key', async () => {
  const { path } = opened.use(await scratchFolder())
  const log = join(path, 'log')
  expect((await plugin(['-n', 'tenants', 'destinations'], { TEST_LOG: log })).code).toBe(0)
  const seen = await readFile(log, 'utf8')
  expect(seen).toContain('port-forward')
  expect(seen).not.toContain(apiKey)
})

describe('what is wrong is said, with what to do', () => {
  test.each<[string, readonly string[], Record<string, string>, RegExp]>([
    ['no kubeconfig', ['events'], { KUBECONFIG: '/nowhere' }, /no such context .*get-contexts/],
    ['no such context', ['events', '--context', 'moon'], {}, /no such context .*moon/],
    ['no such namespace', ['-n', 'moon', 'events'], {}, /no Organization in the namespace moon/],
    [
      'no such Organization',
      ['-n', 'tenants', '-o', 'zeta', 'events'],
      {},
      /no Organization zeta .*there are acme/,
    ],
    [
      'a namespace without Fairlead',
      ['-n', 'tenants', '--fairlead-namespace', 'empty', 'events'],
      {},
      /No Service of Fairlead's api .*empty/,
    ],
    [
      'no source of that provider',
      ['-n', 'tenants', 'send', 'paddle'],
      {},
      /No source in the Organization tenants\/acme .*\nThere are: stripe/,
    ],
    ['a command for npm start', ['-n', 'tenants', 'seed'], {}, /for npm start/],
  ])('%s', async (_name, args, more, sentence) => {
    const ended = await plugin(args, more)
    expect(ended.stderr).toMatch(sentence)
    expect(ended.stderr).not.toContain('    at ')
    expect(ended.code).toBe(1)
  })

  test('an Organization that the operator has not seen', async () => {
    await kube.kubectl(['create', 'namespace', 'new'])
    await kube.kubectl(['apply', '-n', 'new', '-f', join(root, 'k8s/samples/acme.yaml')])
    const { stderr } = await plugin(['-n', 'new', 'events'])
    expect(stderr).toMatch(/new\/acme has no API key yet .*kubectl describe organization acme -n new/)
  })

  test('no pod behind the Service: in kubectl’s own words', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'api', namespace: 'fairlead', labels: { app: 'api' } },
      spec: { containers: [{ name: 'api', image: 'none', ports: [{ name: 'http', containerPort: 8081 }] }] },
    }
    await kube.kubectl(['apply', '-f', '-'], JSON.stringify(pod))
    const ended = await plugin(['-n', 'tenants', 'events'], { KUBECONFIG: kube.kubeconfig }, real)
    expect(ended.stderr).toMatch(/No port-forward to the Service fairlead\/fl-api: .*Pending/)
    expect(ended.code).toBe(1)
  })

  test.each<[string, Record<string, readonly object[]>, RegExp]>([
    ['nothing', {}, /may not list Organizations in the namespace tenants/],
    [
      'Organizations only',
      { tenants: [readsOrganizations] },
      /may not read the Secret tenants\/acme-fairlead/,
    ],
    [
      'no Services',
      { tenants: [readsOrganizations, readsKey] },
      /Service can't be looked for: .*forbidden[\s\S]*--url/,
    ],
  ])('rights to %s', async (name, rules, sentence) => {
    const KUBECONFIG = await someone(`no-${name.toLowerCase().replaceAll(' ', '-')}`, rules)
    const { code, stderr } = await plugin(['-n', 'tenants', 'events'], { KUBECONFIG })
    expect(stderr).toMatch(sentence)
    expect(code).toBe(1)
  })

  test('two of them', async () => {
    await kube.kubectl(['apply', '-f', '-'], JSON.stringify(service('empty', 'receiver')))
    const { stderr } = await plugin(['-n', 'tenants', 'send', 'stripe'])
    expect(stderr).toMatch(/more than one Fairlead: .*empty\/fl-receiver.*fairlead\/fl-receiver/)
    const chosen = await plugin(['-n', 'tenants', 'send', 'stripe', '--fairlead-namespace', 'fairlead'])
    expect(chosen.code).toBe(0)
    await kube.kubectl(['delete', 'service', 'fl-receiver', '-n', 'empty'])
  })

  test('no cluster', async () => {
    await kube.stopApiServer()
    const { stderr } = await plugin(['-n', 'tenants', 'events'])
    expect(stderr).toMatch(/cluster of the context test can't be asked: .*refused/)
    await kube.startApiServer()
  })
})

describe('a command line is taken apart', () => {
  test.each<[string, readonly string[], object]>([
    [
      'flags before the command',
      ['--context', 'c', '-n', 'tenants', '-o', 'acme', 'events', '-n', '5'],
      {
        kubectl: ['--context=c'],
        namespace: 'tenants',
        organization: 'acme',
        command: ['events', '-n', '5'],
      },
    ],
    [
      'flags behind it',
      [
        'retry',
        'evt_1',
        '--context=c',
        '--kubeconfig',
        'f',
        '--namespace',
        'n',
        '-o',
        'acme',
        '--url',
        'http://a',
      ],
      { kubectl: ['--context=c', '--kubeconfig=f'], url: 'http://a', command: ['retry', 'evt_1'] },
    ],
    [
      'send’s own address is left to it',
      ['send', 'stripe', '--url', 'http://a'],
      { url: undefined, command: ['send', 'stripe', '--url', 'http://a'] },
    ],
    [
      'a command that asks nobody keeps all of its own',
      ['verify', '--url', 'http://a', '-o', 'x'],
      { url: undefined, organization: undefined, command: ['verify', '--url', 'http://a', '-o', 'x'] },
    ],
  ])('%s', (_name, args, expected) => {
    expect(readPluginArguments(args)).toMatchObject(expected)
  })

  test.each([
    [['--frob', 'events'], /Unknown option '--frob'/],
    [['events', '--context'], /--context takes a value/],
    [['events', '--namespace='], /--namespace takes a value/],
  ])('%j is refused', (args, sentence) => {
    expect(() => readPluginArguments(args)).toThrow(sentence)
  })
})

test.each(['events', 'send', ''])('help asks no cluster: %s', async name => {
  const { code, stdout } = await plugin([...(name ? [name] : []), '--help'], { KUBECONFIG: '/nowhere' })
  expect(stdout).toMatch(name ? new RegExp(`^fairlead ${name}`) : /^kubectl fairlead/)
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(code).toBe(0)
})
