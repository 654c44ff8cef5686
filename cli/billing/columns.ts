import type {
  BillingCustomer,
  BillingInvoice,
  BillingPayment,
  BillingPlan,
  BillingSubscription,
} from '@fairlead/client/gen/client'
import { shortTime } from '../show-time.ts'
import type { Column } from '../table.ts'
import type { Colour } from '../terminal.ts'
import { moneyText } from './money-text.ts'

/** The tables of the ledger's rows. */

const colours: Readonly<Record<string, Colour>> = {
  active: 'green',
  paid: 'green',
  succeeded: 'green',
  trialing: 'cyan',
  past_due: 'yellow',
  open: 'yellow',
  pending: 'yellow',
  requires_action: 'yellow',
  disputed: 'yellow',
  partially_refunded: 'yellow',
  unpaid: 'red',
  failed: 'red',
  lost: 'red',
  reversed: 'red',
  uncollectible: 'red',
}

interface Stated {
  readonly status: string | null
}

const status: Column<Stated> = {
  title: 'STATUS',
  text: row => row.status ?? '–',
  colour: row => colours[row.status ?? ''] ?? 'dim',
}
const id: Column<{ readonly id: string }> = { title: 'ID', text: row => row.id }
const account: Column<{ readonly account: string }> = {
  title: 'ACCOUNT',
  text: row => row.account || '–',
  optional: true,
}
const mode: Column<{ readonly mode: string }> = {
  title: 'MODE',
  text: row => row.mode,
  colour: row => (row.mode === 'test' ? 'yellow' : undefined),
  optional: true,
}
const at = (now: Date, text: string | null) => (text === null ? '–' : shortTime(text, now))
const created = (now: Date): Column<{ readonly createdAt: string | null }> => ({
  title: 'CREATED',
  text: row => at(now, row.createdAt),
  optional: true,
})
const customer: Column<{ readonly customer: string | null }> = {
  title: 'CUSTOMER',
  text: row => row.customer ?? '–',
  least: 10,
}

export const planColumns = (now: Date): Column<BillingPlan>[] => [
  created(now),
  id,
  { title: 'PRODUCT', text: row => row.product ?? '–', least: 8 },
  {
    title: 'PRICE',
    // Minor units with decimals, such as tenths of a cent: shown as the provider tells them.
    text: row => (row.unitAmount === null ? '–' : `${row.unitAmount} ${row.currency ?? ''}`.trim()),
    alignRight: true,
  },
  {
    title: 'EVERY',
    text: row => (row.interval === null ? 'once' : `${row.intervalCount ?? 1} ${row.interval}`),
  },
  { title: 'ACTIVE', text: row => (row.active === true ? 'yes' : row.active === false ? 'no' : '–') },
  mode,
  account,
]

export const customerColumns = (now: Date): Column<BillingCustomer>[] => [
  created(now),
  id,
  { title: 'NAME', text: row => row.name ?? '–', least: 6 },
  { title: 'EMAIL', text: row => row.email ?? '–', least: 10 },
  { title: 'REFERENCE', text: row => row.reference ?? '–', least: 6, optional: true },
  { title: 'KNOWN', text: row => (row.known ? 'yes' : 'no'), optional: true },
  mode,
  account,
]

export const subscriptionColumns = (now: Date): Column<BillingSubscription>[] => [
  created(now),
  id,
  status,
  customer,
  { title: 'PERIOD ENDS', text: row => at(now, row.periodEndAt) },
  { title: 'ENDED', text: row => at(now, row.endedAt), optional: true },
  mode,
  account,
]

export const invoiceColumns = (now: Date): Column<BillingInvoice>[] => [
  created(now),
  id,
  { title: 'NUMBER', text: row => row.number ?? '–', optional: true },
  status,
  { title: 'TOTAL', text: row => moneyText(row.total), alignRight: true },
  { title: 'PAID', text: row => moneyText(row.amountPaid), alignRight: true, optional: true },
  customer,
  mode,
  account,
]

export const paymentColumns = (now: Date): Column<BillingPayment>[] => [
  created(now),
  id,
  status,
  { title: 'AMOUNT', text: row => moneyText(row.amount), alignRight: true },
  { title: 'REFUNDED', text: row => moneyText(row.refunded), alignRight: true, optional: true },
  customer,
  mode,
  account,
]
