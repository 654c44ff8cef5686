import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { OrganizationId } from '@fairlead/webhook/id'
import {
  decodeLedgerFactsAnswer,
  type LedgerFactsAnswer,
  ledgerFactsMs,
  ledgerFactsSubject,
} from '@fairlead/wire/ledger'
import { LedgerEventSchema, RecordFactsRequestSchema } from '@fairlead/wire/store/ledger'
import type { NatsConnection } from '@nats-io/transport-node'
import { ProcessorAwayError, ProcessorError } from './process.ts'

/*
 * Hands events' facts to a store in batches. An event waits for its organization's next request while two requests of the organization are
 * under way, or its last request began a moment ago: one more request costs the store much more than one more event in a request.
 */

/** Requests of one organization under way at one time. */
const mostUnderWay = 2
/**
 * How long after a request of an organization its next one goes, ms, if that isn't full sooner: four times as long as the last one took. So a
 * store that is busy is given fuller requests, and one that isn't has them soon.
 */
const apartMs = { least: 50, most: 500, ofLast: 4 }
/** Events of one request, and their bytes. One event may have more: it then goes alone. */
const mostEvents = 200
const mostBytes = 512 * 1024
/** What NATS adds to a request. */
const headroomBytes = 4 * 1024

export type LedgerEventInit = Exclude<MessageInitShape<typeof LedgerEventSchema>, { $typeName: string }>

interface Waiting {
  readonly event: LedgerEventInit
  readonly bytes: number
  readonly recorded: () => void
  readonly failed: (error: Error) => void
}

interface Line {
  readonly waiting: Waiting[]
  underWay: number
  /** Runs while the last request went a short time ago. */
  apart: NodeJS.Timeout | undefined
  /** How long the last request took, ms. */
  lastMs: number
}

export interface FactBatches {
  /** Resolves when the event's facts are stored. Rejects with a ProcessorAwayError or a ProcessorError. */
  record(organization: OrganizationId, event: LedgerEventInit): Promise<void>
}

export function openFactBatches(nats: NatsConnection): FactBatches {
  const lines = new Map<OrganizationId, Line>()

  function go(organization: OrganizationId, line: Line): void {
    while (line.underWay < mostUnderWay && line.waiting.length > 0) {
      if (line.apart && !isFull(line.waiting)) return
      clearTimeout(line.apart)
      line.apart = setTimeout(
        () => {
          line.apart = undefined
          go(organization, line)
        },
        Math.min(apartMs.most, Math.max(apartMs.least, apartMs.ofLast * line.lastMs)),
      )
      const startMs = performance.now()
      line.underWay++
      void send(nats, organization, takeBatch(line.waiting)).finally(() => {
        line.underWay--
        line.lastMs = performance.now() - startMs
        go(organization, line)
      })
    }
    if (line.waiting.length === 0 && line.underWay === 0 && !line.apart) lines.delete(organization)
  }

  return {
    record(organization, event) {
      const bytes = toBinary(LedgerEventSchema, create(LedgerEventSchema, event)).length
      const most = (nats.info?.max_payload ?? 1024 ** 2) - headroomBytes
      if (bytes > most) return Promise.reject(new ProcessorError('its facts are more than one message holds'))
      const line = lines.get(organization) ?? { waiting: [], underWay: 0, apart: undefined, lastMs: 0 }
      lines.set(organization, line)
      return new Promise((recorded, failed) => {
        line.waiting.push({ event, bytes, recorded, failed })
        go(organization, line)
      })
    },
  }
}

function isFull(waiting: readonly Waiting[]): boolean {
  if (waiting.length >= mostEvents) return true
  return waiting.reduce((sum, { bytes }) => sum + bytes, 0) >= mostBytes
}

function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  for (const next of waiting) {
    bytes += next.bytes
    if (count > 0 && (count >= mostEvents || bytes > mostBytes)) break
    count++
  }
  return waiting.splice(0, count)
}

/** Does not reject: each of the batch is told. */
async function send(
  nats: NatsConnection,
  organization: OrganizationId,
  batch: readonly Waiting[],
): Promise<void> {
  const answer = await ask(nats, organization, batch)
  switch (answer.kind) {
    case 'recorded':
      for (const { recorded } of batch) recorded()
      return
    case 'away':
      for (const { failed } of batch) failed(new ProcessorAwayError(answer.reason))
      return
    case 'refused':
      // Which of them the store refuses is found out one by one: the others are no worse for it.
      if (batch.length > 1) for (const one of batch) await send(nats, organization, [one])
      else batch[0]?.failed(new ProcessorError(answer.reason))
      return
    default:
      return answer satisfies never
  }
}

async function ask(
  nats: NatsConnection,
  organizationId: OrganizationId,
  batch: readonly Waiting[],
): Promise<LedgerFactsAnswer> {
  const events = batch.map(({ event }) => event)
  const request = create(RecordFactsRequestSchema, { organizationId, events })
  try {
    const { data } = await nats.request(ledgerFactsSubject, toBinary(RecordFactsRequestSchema, request), {
      timeout: ledgerFactsMs,
    })
    return decodeLedgerFactsAnswer(data)
  } catch {
    // No store listens, none answered in time, or the connection broke.
    return { kind: 'away', reason: 'no store answers' }
  }
}
