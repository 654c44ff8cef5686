import {
  getCustomer,
  getCustomerAccess,
  getInvoice,
  getPayment,
  getPlan,
  getSubscription,
  type LedgerFact,
  type LedgerTransition,
  listCustomerFacts,
  listCustomers,
  listInvoiceFacts,
  listInvoices,
  listPaymentFacts,
  listPayments,
  listPlanFacts,
  listPlans,
  listSubscriptionFacts,
  listSubscriptions,
} from '@fairlead/client/gen/client'
import type { TransportOptions } from '@fairlead/client/transport'
import type { ApiClient } from '../api-client.ts'
import { exitCode } from '../command-error.ts'
import { shortTime } from '../show-time.ts'
import { type Column, printTable } from '../table.ts'
import { moreNote } from '../take-pages.ts'
import { printable, type Terminal } from '../terminal.ts'
import {
  customerColumns,
  invoiceColumns,
  paymentColumns,
  planColumns,
  subscriptionColumns,
} from './columns.ts'

/** Lists of rows, single rows with their history, and the facts that a row is made of. */

const resources = {
  plans: { list: listPlans, get: getPlan, facts: listPlanFacts, columns: planColumns },
  customers: { list: listCustomers, get: getCustomer, facts: listCustomerFacts, columns: customerColumns },
  subscriptions: {
    list: listSubscriptions,
    get: getSubscription,
    facts: listSubscriptionFacts,
    columns: subscriptionColumns,
  },
  invoices: { list: listInvoices, get: getInvoice, facts: listInvoiceFacts, columns: invoiceColumns },
  payments: { list: listPayments, get: getPayment, facts: listPaymentFacts, columns: paymentColumns },
} as const

export type ResourceName = keyof typeof resources
export const resourceNames = Object.keys(resources) as ResourceName[]

/** The shape that all resources share, which their own types narrow. */
interface AnyResource {
  list(slug: string, query: object, options: TransportOptions): Promise<Answer<Page<Row>>>
  get(slug: string, id: string, query: object, options: TransportOptions): Promise<Answer<Detail>>
  facts(slug: string, id: string, query: object, options: TransportOptions): Promise<Answer<Page<LedgerFact>>>
  columns(now: Date): Column<Row>[]
}
interface Answer<Data> {
  readonly status: 200
  readonly data: Data
}
interface Page<Item> {
  readonly items: Item[]
  readonly next: string | null
}
type Row = Readonly<Record<string, unknown>>
type Detail = Row & { readonly history: readonly LedgerTransition[] }

export interface RowsAsked {
  readonly slug: string
  readonly name: ResourceName
  readonly id: string | undefined
  readonly facts: boolean
  /** Of lists. */
  readonly query: Readonly<Record<string, string | number>>
  /** Which of several accounts' rows. */
  readonly which: Readonly<Record<string, string>>
  readonly json: boolean
}

export async function showRows(api: ApiClient, asked: RowsAsked, terminal: Terminal): Promise<number> {
  const { slug, name, id, query, which, json } = asked
  const resource = resources[name] as unknown as AnyResource
  const columns = resource.columns(new Date())
  if (id === undefined) {
    const { items, next } = await api.ask(call => resource.list(slug, query, call))
    if (json) for (const row of items) terminal.print(JSON.stringify(row))
    else if (items.length > 0) printTable(columns, items, terminal)
    else terminal.note(`There are no such ${name}.`)
    if (next !== null && !json) terminal.note(moreNote)
    return exitCode.ok
  }
  if (asked.facts) return await showFacts(api, resource, { ...asked, id }, terminal)
  const row = await api.ask(call => resource.get(slug, id, which, call))
  if (json) terminal.print(JSON.stringify(row))
  else {
    printTable(columns, [row], terminal)
    printParts(row, terminal)
    printHistory(row.history, terminal)
  }
  return exitCode.ok
}

async function showFacts(
  api: ApiClient,
  resource: AnyResource,
  { slug, id, query, which, json }: RowsAsked & { readonly id: string },
  terminal: Terminal,
): Promise<number> {
  const limit = query.limit ?? 50
  const { items, next } = await api.ask(call => resource.facts(slug, id, { ...which, limit }, call))
  if (json) for (const fact of items) terminal.print(JSON.stringify(fact))
  else printTable(factColumns(new Date()), items, terminal)
  if (next !== null && !json) terminal.note('There are more: raise --limit.')
  return exitCode.ok
}

const factColumns = (now: Date): Column<LedgerFact>[] => [
  { title: 'OCCURRED', text: fact => (fact.occurredAt === null ? '–' : shortTime(fact.occurredAt, now)) },
  { title: 'TYPE', text: fact => fact.type || '–', least: 12 },
  { title: 'PROVIDER EVENT', text: fact => fact.providerEventId, least: 12 },
  { title: 'EVENT', text: fact => fact.eventId ?? '–' },
  { title: 'COMPLETE', text: fact => (fact.complete ? 'yes' : 'no'), optional: true },
]

/** Lists within a row, such as the lines of an invoice: how many there are. */
function printParts(row: Row, terminal: Terminal): void {
  for (const [name, part] of Object.entries(row)) {
    if (!Array.isArray(part) || name === 'history' || part.length === 0) continue
    const ids = part.flatMap(item => (typeof item?.id === 'string' ? [printable(item.id)] : []))
    terminal.print(`${terminal.paint('dim', name.padEnd(13))} ${part.length}  ${ids.slice(0, 5).join(' ')}`)
  }
}

function printHistory(history: readonly LedgerTransition[], terminal: Terminal): void {
  if (history.length === 0) return
  terminal.print()
  printTable(
    [
      { title: 'AT', text: step => step.at },
      { title: 'EVENT', text: step => step.type, least: 12 },
      { title: 'CHANGED', text: step => step.changes.join(', ') || '–', least: 10 },
      {
        title: 'NOTE',
        text: step => (step.gap ? 'an event is missing before it' : step.legal ? '' : 'no documented step'),
        colour: () => 'yellow',
        optional: true,
      },
    ],
    history,
    terminal,
  )
}

export async function showAccess(
  api: ApiClient,
  { slug, id, which, json }: Pick<RowsAsked, 'slug' | 'which' | 'json'> & { readonly id: string },
  terminal: Terminal,
): Promise<number> {
  const found = await api.ask(call => getCustomerAccess(slug, id, which, call))
  if (json) {
    terminal.print(JSON.stringify(found))
    return exitCode.ok
  }
  const [colour, word] = found.hasAccess
    ? (['green', 'has access'] as const)
    : (['red', 'has no access'] as const)
  terminal.print(`${printable(id)} ${terminal.paint(colour, word)}`)
  if (found.grants.length > 0) {
    printTable(
      [
        { title: 'SUBSCRIPTION', text: grant => grant.subscription },
        { title: 'PLAN', text: grant => grant.plan ?? '–', least: 8 },
        { title: 'QUANTITY', text: grant => String(grant.quantity ?? '–'), alignRight: true, optional: true },
        { title: 'STATUS', text: grant => grant.status },
        { title: 'UNTIL', text: grant => grant.until ?? '–' },
        {
          title: 'NOW',
          text: grant => (grant.holds ? 'holds' : 'no'),
          colour: grant => (grant.holds ? 'green' : 'dim'),
        },
      ],
      found.grants,
      terminal,
    )
  }
  return exitCode.ok
}
