import { createHash } from 'node:crypto'
import { type DestinationId, fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { z } from 'zod'
import type { DestinationConfig } from './config.ts'
import { WireError } from './wire-error.ts'

/**
 * The ledger's place between worker and store. The worker's built-in processor `ledger` hands over what billing events say, as a
 * `RecordFactsRequest` (proto/fairlead/store/v1/ledger.proto), by a request in core NATS that one of the stores answers. So a worker needs
 * no way into the store's own interface, which answers for every organization.
 */
export const ledgerFactsSubject = 'ledger-facts'

/** One of the stores takes a request. */
export const ledgerFactsQueue = 'stores'

/** How long a store may take for a request, ms. */
export const ledgerFactsMs = 10_000

/** Providers whose events the ledger knows. */
const ledgerProviders: ReadonlySet<string> = new Set(['stripe', 'paypal', 'shopify'])

export const isLedgerProvider = (provider: string): boolean => ledgerProviders.has(provider)

/** What the log and lists of deliveries call the ledger. No destination of a tenant can have this name. */
const ledgerDestinationName = '_ledger'

/** Waits between attempts of an event that the store refuses: what is at fault may be mended by a newer version. */
const retryDelaysSeconds = [5, 60, 600, 3_600, 21_600, 86_400]

/**
 * Events of one organization that are under way to a store at one time. A request, of 200 at most, costs a store some thirty statements,
 * however many events it has, so that fewer would cost each event more.
 */
const concurrency = 200

/** The destination of an organization's billing events. Like notices' source it has no row: its id is made from the organization's. */
export function ledgerDestination(organization: OrganizationId): DestinationConfig {
  return {
    id: ledgerDestinationId(organization),
    name: ledgerDestinationName,
    kind: 'processor',
    url: '',
    processor: 'ledger',
    timeoutSeconds: 60,
    concurrency,
    retryDelaysSeconds,
    paused: false,
    headers: [],
  }
}

/** The store's SQL makes the same one: `ledger_destination`. */
function ledgerDestinationId(organization: OrganizationId): DestinationId {
  const digest = createHash('sha256')
    .update(`${toUuid(organization)}\n${ledgerDestinationName}`)
    .digest('hex')
  return fromUuid('dst', digest.slice(0, 32))
}

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('recorded') }),
  /** Postgres is away, or too much waits for it: the same request works later. */
  z.object({ kind: z.literal('away'), reason: z.string() }),
  /** The same request fails again. */
  z.object({ kind: z.literal('refused'), reason: z.string() }),
])
export type LedgerFactsAnswer = z.infer<typeof answerSchema>

export const encodeLedgerFactsAnswer = (answer: LedgerFactsAnswer): string => JSON.stringify(answer)

/** Throws a WireError `delivery_unreadable`. */
export function decodeLedgerFactsAnswer(payload: Uint8Array): LedgerFactsAnswer {
  try {
    return answerSchema.parse(JSON.parse(new TextDecoder().decode(payload)))
  } catch (cause) {
    throw new WireError('delivery_unreadable', "a store's answer to facts can't be read", { cause })
  }
}
