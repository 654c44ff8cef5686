import { newInbox } from '@fairlead/wire/connect'
import { readNextOfLeader } from '@fairlead/wire/read'
import type { Trouble } from '@fairlead/wire/trouble'
import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/transport-node'

/**
 * Reads a stream in order from a position, without acknowledgements: where reading stands is in Postgres, so the
 * consumer is a cursor that may vanish at any time.
 *
 *   create consumer ─▶ wait for one message ─▶ wake ─▶ gather: all that is there ─▶ take ─▶ wait for one message …
 *         ▲                                    │ not the next in order, silence, gone, reconnected
 *         └────────────── behind the last message that was buffered ◀──┘
 *
 * Messages are not asked for one by one as they are stored: each would wake the server and this process by itself, at a hundred
 * webhooks a second for two messages of each. Those that come while a batch is written or waits come together.
 */

export interface ReadOptions<Message> {
  readonly stream: string
  /** The last sequence that is known already. */
  readonly after: number
  /** Leave out the payloads. */
  readonly headersOnly: boolean
  /** Messages that are buffered before they are taken, at most. */
  readonly capacity: number
  /** Never throws. */
  decode(message: Msg, seq: number): Message
  /** Called when a message came, or reading failed. */
  wake(): void
  /** Told why the stream can't be read, which is tried again every 250 ms, and when it can be read again. */
  readonly trouble: Pick<Trouble, 'failed' | 'over'>
}

export interface StreamReader<Message> extends AsyncDisposable {
  /** Messages that came and were not taken, in order. */
  readonly buffer: readonly Message[]
  /** Brings what the stream holds into the buffer, up to its capacity. Resolves at once where nothing came since the last time. */
  gather(): Promise<void>
  /** Takes the first of the buffer. */
  take(count: number): Message[]
  /** Whether all messages that the stream held a moment ago have been taken. */
  isAtEnd(): Promise<boolean>
  /** Set once the stream was made anew: its sequences mean other messages, and reading can't go on. */
  readonly failure: Error | undefined
}

const expiresMs = 60_000
const heartbeatMs = 10_000
/** What the leader has had for so long, and the consumer has not told of. */
const stuckMs = 5_000
const retryMs = 250
/** The server tells what is there within milliseconds. */
const gatherMs = 5_000

export function readStream<Message>(
  nats: NatsConnection,
  manager: JetStreamManager,
  streamCreated: string,
  options: ReadOptions<Message>,
): StreamReader<Message> {
  const { stream, headersOnly, capacity, decode, wake, trouble } = options
  const inbox = newInbox(nats)
  const closing = new AbortController()
  let buffer: Message[] = []
  let last = options.after
  let consumer = ''
  /** Messages of another generation come from a consumer that was given up. */
  let generation = 0
  let consumerSeq = 0
  /** A message is asked for as soon as there is one. */
  let waits = false
  /** What is there is asked for. */
  let gathering: Gathering | undefined
  let heardMs = performance.now()
  let resyncing = false
  let failure: Error | undefined

  const subscription = nats.subscribe(`${inbox}.*`, {
    callback: (_error, message) => {
      if (!message.subject.startsWith(inbox)) receive(message)
      else if (message.subject === replies('waiting')) status(message, 'waiting')
      else if (message.subject === replies('gathering')) status(message, 'gathering')
    },
  })
  const watchdog = setInterval(() => {
    if (performance.now() - heardMs > 2.5 * heartbeatMs) void resync()
    else void look()
  }, heartbeatMs)
  const reconnections = nats.status()
  void (async () => {
    for await (const { type } of reconnections) if (type === 'reconnect') void resync()
  })().catch(trouble.failed)
  void resync()

  function receive(message: Msg): void {
    const [from, streamSeq, seq] = parseReply(message.reply ?? '')
    if (from !== consumer || resyncing) return
    heardMs = performance.now()
    if (seq !== consumerSeq + 1) return void resync() // one was lost on the way
    consumerSeq = seq
    last = streamSeq
    buffer.push(decode(message, streamSeq))
    if (gathering) {
      gathering.left -= 1
      if (gathering.left === 0) gathered()
    } else if (waits) {
      waits = false
      wake()
    }
  }

  /** 100: idle heartbeat. 404, 408: no more is there, or the pull has expired. Anything else: the consumer or its leader is gone. */
  function status(message: Msg, of: Pull): void {
    heardMs = performance.now()
    const { code = 0 } = message.headers ?? {}
    if (code === 100) return
    if (code !== 404 && code !== 408) void resync()
    else if (of === 'gathering') gathered()
    else {
      waits = false
      waitForOne()
    }
  }

  /** A consumer on a replica that has stopped goes on with its heartbeats, and tells of nothing more. */
  async function look(): Promise<void> {
    const before = last
    if (resyncing || buffer.length > 0) return
    const more = await readNextOfLeader(manager, stream, { subject: '>', seq: before + 1 }).catch(() => {})
    if (!more || last !== before || resyncing) return
    if (Date.now() - more.time.getTime() > stuckMs) void resync()
  }

  function replies(of: Pull): string {
    return `${inbox}.${generation}_${of}`
  }

  function ask(of: Pull, request: object): void {
    try {
      nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), {
        reply: replies(of),
      })
    } catch (error) {
      trouble.failed(error) // the connection drains or is closed: nothing more will come
    }
  }

  function waitForOne(): void {
    if (waits || gathering || buffer.length > 0 || resyncing || closing.signal.aborted) return
    waits = true
    ask('waiting', { batch: 1, expires: expiresMs * 1e6, idle_heartbeat: heartbeatMs * 1e6 })
  }

  function gather(): Promise<void> | undefined {
    const room = capacity - buffer.length
    if (gathering || waits || resyncing || room <= 0) return gathering?.promise
    const timer = setTimeout(() => void resync(), gatherMs)
    gathering = { ...Promise.withResolvers<void>(), left: room, timer }
    ask('gathering', { batch: room, no_wait: true })
    return gathering.promise
  }

  function gathered(): void {
    clearTimeout(gathering?.timer)
    gathering?.resolve()
    gathering = undefined
    if (buffer.length > 0) wake()
    else waitForOne()
  }

  async function resync(): Promise<void> {
    if (resyncing) return
    resyncing = true
    waits = false
    gathered()
    while (!closing.signal.aborted) {
      try {
        const info = await manager.streams.info(stream)
        if (String(info.created) !== streamCreated) {
          failure = new Error(`the stream ${stream} was made anew`)
          wake()
          return
        }
        const added = await manager.consumers.add(stream, {
          ack_policy: AckPolicy.None,
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: last + 1,
          headers_only: headersOnly,
          inactive_threshold: 60 * 1e9,
          mem_storage: true,
          num_replicas: 1,
          // The pulls' replies are told apart from messages by their subject, which is the stream's own.
          max_waiting: 8,
        })
        consumer = added.name
        trouble.over()
        break
      } catch (error) {
        // NATS is away, the stream is not there (yet), or the consumer is refused.
        if (!closing.signal.aborted) trouble.failed(error)
        await new Promise(resolve => setTimeout(resolve, retryMs))
      }
    }
    generation += 1
    consumerSeq = 0
    heardMs = performance.now()
    resyncing = false
    if (!closing.signal.aborted) waitForOne()
  }

  return {
    get buffer() {
      return buffer
    },
    get failure() {
      return failure
    },
    gather: async () => gather(),
    take(count) {
      const wasFull = buffer.length >= capacity
      const taken = buffer.slice(0, count)
      buffer = buffer.slice(count)
      // There is more: it comes while this is written.
      if (wasFull) void gather()
      else waitForOne()
      return taken
    },
    async isAtEnd() {
      if (buffer.length > 0 || resyncing) return false
      // The consumer may stand on a replica that lags behind: only the leader knows that there is no more.
      const more = await readNextOfLeader(manager, stream, { subject: '>', seq: last + 1 })
      return !more && buffer.length === 0 && !resyncing
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      clearInterval(watchdog)
      gathered()
      subscription.unsubscribe()
      // The iterator has a stop() that its type leaves out.
      if ('stop' in reconnections && typeof reconnections.stop === 'function') reconnections.stop()
      if (consumer && !nats.isClosed()) await manager.consumers.delete(stream, consumer).catch(() => {})
    },
  }
}

/** Why messages are asked for. */
type Pull = 'waiting' | 'gathering'

interface Gathering extends PromiseWithResolvers<void> {
  /** Messages that were asked for and have not come. */
  left: number
  readonly timer: NodeJS.Timeout
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<seq>.<consumer seq>.<time>.<pending>[.<random>]` */
function parseReply(reply: string): [consumer: string, streamSeq: number, consumerSeq: number] {
  const tokens = reply.split('.')
  const at = tokens.length === 9 ? 3 : 5
  return [tokens[at] ?? '', Number(tokens[at + 2]), Number(tokens[at + 3])]
}
