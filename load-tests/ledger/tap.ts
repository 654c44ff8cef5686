import { fromBinary } from '@bufbuild/protobuf'
import { connectNats } from '@fairlead/wire/connect'
import { decodeLedgerFactsAnswer, ledgerFactsSubject } from '@fairlead/wire/ledger'
import { RecordFactsRequestSchema } from '@fairlead/wire/store/ledger'

/** What was seen of facts on their way: a store answers after it has committed facts and rows. */
export interface Tap extends AsyncDisposable {
  /** When the store said that an event's rows are there, ms of `performance.now()`, by the event's id here. */
  readonly answered: ReadonlyMap<string, number>
  /** Events in requests, repeats counted, and requests. */
  readonly handed: { readonly events: number; readonly requests: number }
  /** Answers other than `recorded`. */
  readonly refused: number
}

/** Listens beside the stores. The requests' inbox is known from the first request on, whose own answer may be missed. */
export async function openTap(natsUrl: string): Promise<Tap> {
  const nats = await connectNats({ url: natsUrl, name: 'tap' })
  const answered = new Map<string, number>()
  const waiting = new Map<string, string[]>()
  const inboxes = new Set<string>()
  const handed = { events: 0, requests: 0 }
  let refused = 0
  const listen = (inbox: string): void => {
    if (inboxes.has(inbox)) return
    inboxes.add(inbox)
    nats.subscribe(`${inbox}.*`, {
      callback: (_, { subject, data }) => {
        const ids = waiting.get(subject)
        if (!ids) return
        waiting.delete(subject)
        if (decodeLedgerFactsAnswer(data).kind !== 'recorded') refused += 1
        else for (const id of ids) if (!answered.has(id)) answered.set(id, performance.now())
      },
    })
  }
  nats.subscribe(ledgerFactsSubject, {
    callback: (_, { data, reply }) => {
      if (!reply) return
      const { events } = fromBinary(RecordFactsRequestSchema, data)
      handed.requests += 1
      handed.events += events.length
      waiting.set(
        reply,
        events.map(({ eventId }) => eventId),
      )
      listen(reply.slice(0, reply.lastIndexOf('.')))
    },
  })
  await nats.flush()
  return {
    answered,
    handed,
    get refused() {
      return refused
    },
    [Symbol.asyncDispose]: () => nats.close(),
  }
}
