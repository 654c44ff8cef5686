import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@fairlead/servers/processes'
import { startTestNats } from '@fairlead/testbed/nats'
import { startOtlpSink } from '@fairlead/testbed/otlp-sink'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { startTestRedis } from '@fairlead/testbed/redis'
import { imageOfRun } from '@fairlead/testbed/run'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startSink } from '@fairlead/testbed/sink'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readCompose, user } from './fixtures/compose.ts'
import { commandInImage, pathInImage, runInImage, type Unpacked, unpackImage } from './fixtures/unpack.ts'

/** Starting all parts on a machine that does much else, ms. */
const startMs = 60_000

test(
  'the parts of compose.yaml, each in the image with its settings from there, deliver a signed webhook',
  async () => {
    await using opened = new AsyncDisposableStack()
    const folder = opened.use(await scratchFolder()).path
    const image = await unpackImage((await imageOfRun()).path, folder)
    const sink = opened.use(await startSink())
    await declareOrganization(image, sink.url)
    // Every engine mounts one of these.
    await writeFile(join(image.root, 'etc/hosts'), '127.0.0.1 localhost\n')
    const collector = opened.use(await startOtlpSink())
    const settings = await connectSettings(image, opened, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'always_on',
    })

    const migrated = await runInImage(image, ['migrate'], settings.migrate)
    expect(migrated).toEqual({ code: 0, stdout: 'the database has the newest schema\n', stderr: '' })
    for (const part of ['store', 'receiver', 'worker', 'api', 'operator']) {
      opened.use(await startPart(image, part, settings[part]!, join(folder, `${part}.log`)))
    }

    const cli = {
      FAIRLEAD_ORGANIZATIONS: settings.operator!.FAIRLEAD_ORGANIZATIONS,
      FAIRLEAD_RECEIVER_PORT: settings.receiver!.FAIRLEAD_RECEIVER_PORT,
    }
    // The receiver hears of the organization a moment after the operator has declared it.
    const send = () => runInImage(image, ['cli', 'send', 'stripe', '--json'], cli)
    const sent = await until(
      async () => {
        const ended = await send()
        return ended.code === 0 && ended
      },
      { what: 'an accepted webhook', everyMs: 250, deadlineMs: startMs },
    )
    expect(sent.stderr).toBe('')
    const { id } = JSON.parse(sent.stdout) as { id: string }
    const delivered = await sink.waitFor(({ headers }) => headers['fairlead-event-id'] === id)
    expect(delivered.headers).toHaveProperty('webhook-signature')

    // The exporter of traces is loaded on demand: it is in the image, too.
    await collector.waitFor(({ service, name }) => service === 'fairlead-receiver' && name === 'send EVENTS')
    await collector.waitFor(({ service, name }) => service === 'fairlead-worker' && name === 'POST')

    // As image/README.md has it: the key from the operator's folder, the question from the image.
    const key = await readApiKey(image)
    const api = {
      FAIRLEAD_API_URL: `http://127.0.0.1:${settings.api!.FAIRLEAD_API_PORT}`,
      FAIRLEAD_API_KEY: key,
    }
    await until(
      async () => {
        const { code, stdout } = await runInImage(image, ['cli', 'events'], api)
        return code === 0 && stdout.includes(id) && stdout.includes('success')
      },
      { what: 'the event in the log', everyMs: 250, deadlineMs: startMs },
    )
  },
  4 * startMs,
)

/** One tenant in the folder that compose.yaml mounts. */
async function declareOrganization({ root }: Unpacked, sinkUrl: string): Promise<void> {
  const folder = join(root, 'organizations')
  await mkdir(folder)
  const organization = {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Organization',
    metadata: { name: 'acme' },
    spec: {
      sources: [
        { name: 'stripe', provider: 'stripe', secrets: [{ secretRef: { name: 'acme', key: 'stripe' } }] },
      ],
      destinations: [{ name: 'sink', url: `${sinkUrl}/hooks`, allowInsecureHttp: true }],
      routes: [{ source: 'stripe', destinations: ['sink'] }],
    },
  }
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'acme' },
    stringData: { stripe: 'whsec_test_only_image' },
  }
  await writeFile(join(folder, 'acme.yaml'), JSON.stringify(organization))
  await writeFile(join(folder, 'acme-secret.yaml'), JSON.stringify(secret))
}

type Settings = Record<string, Record<string, string>>

/**
 * Each part's settings from compose.yaml, on loopback: the names of its services become the addresses of real servers,
 * and every port is a free one.
 */
async function connectSettings(
  image: Unpacked,
  opened: AsyncDisposableStack,
  more: Readonly<Record<string, string>>,
): Promise<Settings> {
  const database = opened.use(await createTestDatabase({ migrated: false }))
  const nats = opened.use(await startTestNats())
  const redis = opened.use(await startTestRedis())
  const ports = {
    FAIRLEAD_RECEIVER_PORT: String(await freePort()),
    FAIRLEAD_API_PORT: String(await freePort()),
    FAIRLEAD_STORE_PORT: String(await freePort()),
  }
  const addresses: [RegExp, string][] = [
    [/^nats:\/\/nats:4222$/, nats.url],
    [/^redis:\/\/redis:6379$/, redis.url],
    [/^postgres:\/\/.*@postgres:5432\/fairlead$/, database.url],
    [/^http:\/\/store:50051$/, `http://127.0.0.1:${ports.FAIRLEAD_STORE_PORT}`],
    [/^(\/.*)$/, pathInImage(image, '$1')],
  ]
  const variables = { ...user, FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8' }
  const { services } = await readCompose(variables)
  const settings: Settings = {}
  for (const [name, { environment, build }] of Object.entries(services)) {
    if (build === undefined) continue
    const here = Object.entries(environment).map(([key, value]) => [
      key,
      addresses.reduce((text, [pattern, address]) => text.replace(pattern, address), value),
    ])
    settings[name] = {
      ...Object.fromEntries(here),
      ...ports,
      ...more,
      FAIRLEAD_METRICS_PORT: String(await freePort()),
      FAIRLEAD_METRICS_HOST: '127.0.0.1',
    }
  }
  return settings
}

/** Starts a part and waits until it says that it is ready. Rejects with its log where that doesn't come true. */
async function startPart(
  image: Unpacked,
  part: string,
  settings: Record<string, string>,
  logFile: string,
): Promise<AsyncDisposable> {
  const { program, args, env } = await commandInImage(image, [part], settings)
  const log = await open(logFile, 'w')
  const child = spawn(program, args, { env, stdio: ['ignore', log.fd, log.fd] })
  await log.close()
  await using starting = new AsyncDisposableStack()
  starting.defer(() => stop(child))
  const url = `http://127.0.0.1:${settings.FAIRLEAD_METRICS_PORT}/readyz`
  const ready = until(async () => child.exitCode !== null || (await fetch(url)).ok, {
    what: `${part} ready`,
    everyMs: 100,
    deadlineMs: startMs,
  })
  await ready.catch(() => {})
  if (child.exitCode !== null) throw new Error(`${part} ended: ${await readFile(logFile, 'utf8')}`)
  await ready
  const started = starting.move()
  return { [Symbol.asyncDispose]: () => started.disposeAsync() }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await gone
  clearTimeout(timer)
}

/** The key in the Secret that the operator wrote for its only tenant. */
async function readApiKey({ root }: Unpacked): Promise<string> {
  const secrets = join(root, 'home/nonroot/secrets')
  const [file] = (await readdir(secrets, { recursive: true })).filter(name => name.endsWith('.yaml'))
  const { stringData } = parse(await readFile(join(secrets, file!), 'utf8'))
  return stringData['api-key']
}
