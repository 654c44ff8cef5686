import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { traceCalls } from '@fairlead/telemetry/call-spans'
import { openTracing, type Tracing } from '@fairlead/telemetry/tracing'
import { connectNats } from '@fairlead/wire/connect'
import { natsLogin } from '@fairlead/wire/environment'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import type { ProberConfig } from './config.ts'
import { coverPartitions, type Target } from './cover.ts'
import { type Memory, openMemory } from './memory.ts'
import { followMessages } from './messages.ts'
import { openProberMetrics } from './metrics.ts'
import { reportOf } from './minutes.ts'
import { openPartition, type PartitionEvents } from './partition.ts'
import { isOnItsWay } from './probe.ts'
import { openRefusalLines, type RefusalLines } from './refusal-lines.ts'
import { tellStore } from './report.ts'
import { openRounds, type Probed, type Rounds } from './rounds.ts'
import { openReceivers } from './send.ts'
import { isSigned } from './sign.ts'
import { openSink } from './sink.ts'
import { openProbeTraces } from './traces.ts'

const stepMs = 250
const startAgainMs = 2_000

/**
 * The prober: sends webhooks to organizations of its own, one in each partition, for as long as it runs, and tells what becomes
 * of them. It has no part in delivering anything.
 *
 * @param listening is told the port, once probes can arrive
 */
export async function run(
  config: ProberConfig,
  signal: AbortSignal,
  { log, registry, health }: Daemon,
  listening: (port: number) => void = () => {},
): Promise<void> {
  await using opened = new AsyncDisposableStack()
  let probed: readonly Probed[] = []
  let rounds: Rounds | undefined
  const tracing = opened.use((await openTracing({ part: 'prober', environment: config, registry })) ?? null)
  const traces = tracing ? openProbeTraces(tracing) : undefined
  const events: PartitionEvents = {
    ...openProberMetrics(registry, () => probed.map(({ partition }) => partition), Date.now),
    closed: traces?.closed,
  }
  const refusals = opened.use(openRefusalLines(log, Date.now))
  const bySlug = (slug: string) => probed.find(({ target }) => target.identity.slug === slug)
  const sink = opened.use(
    await openSink({
      host: config.FAIRLEAD_PROBER_HOST,
      port: config.FAIRLEAD_PROBER_PORT,
      async arrived(slug, headers, body) {
        const one = bySlug(slug)
        const status = answerTo(one, headers, body, refusals)
        // Not what strangers send: they could have it written any number of times.
        const isOurs = status === 204 || status === 503
        if (one && isOurs) await rounds?.keep(one.partition)
        return status
      },
      report: seconds => ({
        seconds,
        intervalSeconds: config.FAIRLEAD_PROBER_INTERVAL_MS / 1_000,
        ...openProbes(probed, Date.now()),
        ...report(probed, seconds),
      }),
    }),
  )
  listening(sink.port)
  const store = opened.use(openStore(config, tracing))
  const nats = await connectNats({ ...natsLogin(config), name: 'prober' })
  opened.defer(() => nats.close())
  const targets = await untilCovered(store, config, signal, log)
  if (!targets) return
  const memory = await openMemory(nats, config.FAIRLEAD_STREAM_REPLICAS, log)
  probed = await recall(targets, memory, events, config.FAIRLEAD_PROBER_INTERVAL_MS)
  const receivers = openReceivers(config.FAIRLEAD_PUBLIC_URL, config.FAIRLEAD_PROBER_RECEIVERS)
  const going = openRounds({
    probed,
    receivers,
    apiUrl: config.FAIRLEAD_API_URL,
    memory,
    intervalMs: config.FAIRLEAD_PROBER_INTERVAL_MS,
    lostMs: config.FAIRLEAD_PROBER_LOST_MS,
    log,
    traces,
    now: Date.now,
  })
  rounds = going
  const background = [
    receivers.follow(signal),
    followMessages(
      { nats, log, slugs: targets.map(({ identity }) => identity.slug), arrived: takeMessage(probed, going) },
      signal,
    ),
    tellStore(store, () => probed, log, signal),
  ]
  opened.use(health.check('prober.partitions', () => undefined))
  log.info({ port: sink.port, organizations: targets.map(({ identity }) => identity.slug) }, 'prober.started')
  while (!signal.aborted) {
    going.step()
    await delay(stepMs, undefined, { signal }).catch(() => {})
  }
  await going.settled()
  await Promise.all(background)
}

const openStore = (config: ProberConfig, tracing: Tracing | null): StoreClient =>
  connectStore(config.FAIRLEAD_STORE_URL, {
    token: config.FAIRLEAD_STORE_TOKEN,
    traced: tracing ? traceCalls(tracing) : undefined,
  })

/** Each partition, with the probes that were open before a restart. */
async function recall(
  targets: readonly Target[],
  memory: Memory,
  events: PartitionEvents,
  intervalMs: number,
): Promise<readonly Probed[]> {
  const kept = await memory.read()
  return targets.map(target => ({
    target,
    partition: openPartition(target.partition, kept.get(target.partition), events, intervalMs),
  }))
}

/** The status to answer a delivery with: one that is not signed, or changed, is refused and said. */
function answerTo(
  one: Probed | undefined,
  headers: Parameters<typeof isSigned>[0],
  body: string,
  refusals: RefusalLines,
): number {
  if (!one) return 404
  const { partition, target } = one
  if (!isSigned(headers, body, target.identity.signingKey, Date.now())) {
    refusals.tell('probe.unsigned', { partition: partition.number, event: headers['webhook-id'] })
    return 401
  }
  switch (partition.arrived(idOf(body), body, 'request', Date.now())) {
    case 'again':
      return 503
    case 'changed':
      refusals.tell('probe.changed', { partition: partition.number, event: headers['webhook-id'] })
      return 400
    // Sent by a prober before this one, which could not keep it.
    case undefined:
    case 'first':
    case 'retried':
    case 'message':
    case 'repeated':
      return 204
  }
}

const takeMessage = (probed: readonly Probed[], rounds: Rounds) => async (body: string) => {
  const id = idOf(body)
  const partition = probed.find(one => one.partition.number === Number(id.split('-')[0]))?.partition
  if (partition?.arrived(id, body, 'message', Date.now())) await rounds.keep(partition)
}

function idOf(body: string): string {
  try {
    return String((JSON.parse(body) as { id?: unknown }).id)
  } catch {
    return ''
  }
}

/** Probes on their way to the prober, and since when. */
function openProbes(probed: readonly Probed[], nowMs: number) {
  const open = probed.flatMap(({ partition }) => partition.open.filter(isOnItsWay))
  const oldestMs = Math.min(nowMs, ...open.map(({ sentMs }) => sentMs))
  return { open: open.length, oldestOpenSeconds: (nowMs - oldestMs) / 1_000 }
}

const report = (probed: readonly Probed[], seconds: number) =>
  reportOf(
    probed.flatMap(({ partition }) => partition.minutes.keep()),
    Date.now() - seconds * 1_000,
  )

/** Waits for the store. Undefined: the signal aborted before. */
async function untilCovered(
  store: StoreClient,
  config: ProberConfig,
  signal: AbortSignal,
  log: Log,
): Promise<readonly Target[] | undefined> {
  while (!signal.aborted) {
    try {
      return await coverPartitions(store, config.FAIRLEAD_PROBER_KEY, config.FAIRLEAD_PROBER_SINK_URL)
    } catch (err) {
      log.warn({ err }, 'prober.not_covered')
      await delay(startAgainMs, undefined, { signal }).catch(() => {})
    }
  }
  return undefined
}
