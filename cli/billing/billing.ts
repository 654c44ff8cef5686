import { type ApiClient, apiOptions, apiUsage, openApi } from '../api-client.ts'
import { readArguments, readNumber, usageFault } from '../arguments.ts'
import { readTime } from '../read-time.ts'
import { openTerminal, type Terminal } from '../terminal.ts'
import { figureNames, showFigures } from './analytics.ts'
import { quarantineReasons, rates, rebuild, retryQuarantine, showQuarantine } from './repair.ts'
import { resourceNames, showAccess, showRows } from './rows.ts'

const usage = `fairlead billing plans|customers|subscriptions|invoices|payments [ID] [--facts]
       fairlead billing access CUSTOMER
       fairlead billing analytics days|churn|arpu|ltv|cohorts|recovery|restatements
       fairlead billing rates [--file FILE]
       fairlead billing quarantine [retry]
       fairlead billing rebuild

The ledger: who pays for what, from the billing events of Stripe, PayPal and
Shopify. With an id one row and its history; with --facts why it is as it is.

rows
  --facts                the facts that the row is made of
  --status S             only these states, with commas
  --customer ID          only those of this customer
  --subscription ID      only those of this subscription
  -q, --search TEXT      the beginning of an id, a name or an address
  --provider P           stripe, paypal or shopify
  --account ID           of this connected account
analytics
  --period P             churn, arpu and ltv by month (the default) or day
  --time-zone Z          days and months as there, such as Europe/Berlin
  --convert CUR          all amounts as this currency, by the table of rates
  --rate-day DAY         with --convert: by the rates of this day alone
  --months N             cohorts: months after the first, 1 to 36; default 12
  --within-days N        recovery: days allowed, 1 to 90; default 30
both
  --currency CUR         only this currency
  --after T, --before T  a time such as 2026-03-01 or -30d
  --mode M               live or test
others
  -n, --limit N          rows, restatements, quarantine: how many, 1 to 500;
                         default 50
  -f, --file FILE        rates: the new table as YAML or JSON; - is stdin
  --reason R             quarantine retry: only those of this reason
  --json                 the API's own JSON
${apiUsage}`

const options = {
  ...apiOptions,
  facts: { type: 'boolean' },
  status: { type: 'string' },
  customer: { type: 'string' },
  subscription: { type: 'string' },
  search: { type: 'string', short: 'q' },
  provider: { type: 'string' },
  account: { type: 'string' },
  limit: { type: 'string', short: 'n' },
  period: { type: 'string' },
  'time-zone': { type: 'string' },
  convert: { type: 'string' },
  'rate-day': { type: 'string' },
  months: { type: 'string' },
  'within-days': { type: 'string' },
  currency: { type: 'string' },
  after: { type: 'string' },
  before: { type: 'string' },
  mode: { type: 'string' },
  file: { type: 'string', short: 'f' },
  reason: { type: 'string' },
  json: { type: 'boolean' },
} as const

type Values = Readonly<Partial<Record<keyof typeof options, string | boolean>>>

const verbs = [...resourceNames, 'access', 'analytics', 'rates', 'quarantine', 'rebuild'] as const
type Verb = (typeof verbs)[number]

export async function billing(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [given, id] = positionals
  const verb = verbs.find(one => one === given)
  if (!verb)
    throw usageFault(
      usage,
      given === undefined ? `What? ${verbs.join(', ')}` : `${given} is none of ${verbs.join(', ')}`,
    )
  const run = readVerb(verb, id, values)
  const api = openApi(values as Parameters<typeof openApi>[0])
  const asked = { slug: await api.organization(), json: values.json === true }
  return await run(api, asked, openTerminal())
}

type Run = (api: ApiClient, asked: { slug: string; json: boolean }, terminal: Terminal) => Promise<number>

/** Reads all arguments before anything is asked. Throws a CommandError. */
function readVerb(verb: Verb, id: string | undefined, values: Values): Run {
  switch (verb) {
    case 'access':
      if (id === undefined) throw usageFault(usage, 'Which customer?')
      return (api, asked, terminal) => showAccess(api, { ...asked, id, which: whichOf(values) }, terminal)
    case 'analytics': {
      const name = figureNames.find(one => one === id)
      if (!name) throw usageFault(usage, `Which figures? ${figureNames.join(', ')}`)
      const query = figuresQuery(values, name)
      return (api, asked, terminal) => showFigures(api, { ...asked, name, query }, terminal)
    }
    case 'quarantine': {
      if (id !== undefined && id !== 'retry') throw usageFault(usage, `retry, not ${id}`)
      const limit = limitOf(values)
      const reason = quarantineReasons.find(one => one === values.reason)
      if (values.reason !== undefined && !reason)
        throw usageFault(usage, `--reason takes ${quarantineReasons.join(', ')}`)
      return (api, asked, terminal) =>
        id === 'retry'
          ? retryQuarantine(api, { ...asked, reason }, terminal)
          : showQuarantine(api, { ...asked, limit }, terminal)
    }
    case 'rates':
    case 'rebuild': {
      if (id !== undefined) throw usageFault(usage, `There is one argument too many: ${id}`)
      const file = values.file as string | undefined
      return (api, asked, terminal) =>
        verb === 'rates' ? rates(api, { ...asked, file }, terminal) : rebuild(api, asked, terminal)
    }
    case 'plans':
    case 'customers':
    case 'subscriptions':
    case 'invoices':
    case 'payments': {
      if (values.facts && id === undefined) throw usageFault(usage, '--facts of which row? Name its id')
      const query = { ...texts(values, rowFilters), ...timesOf(values), limit: limitOf(values) }
      const rows = { name: verb, id, facts: values.facts === true, query, which: whichOf(values) }
      return (api, asked, terminal) => showRows(api, { ...asked, ...rows }, terminal)
    }
    default:
      return verb satisfies never
  }
}

const limitOf = (values: Values): number =>
  readNumber(usage, 'limit', values.limit as string | undefined, { least: 1, most: 500, otherwise: 50 })

/** Option → the API's parameter. */
const rowFilters = {
  status: 'status',
  customer: 'customer',
  subscription: 'subscription',
  search: 'q',
  provider: 'provider',
  account: 'account',
  currency: 'currency',
  mode: 'mode',
} as const
const figureFilters = {
  'time-zone': 'timeZone',
  currency: 'currency',
  convert: 'convert',
  'rate-day': 'rateDay',
  mode: 'mode',
} as const

function texts(
  values: Values,
  names: Readonly<Partial<Record<keyof typeof options, string>>>,
): Record<string, string> {
  const given = Object.entries(names).flatMap(([option, name]) => {
    const value = values[option as keyof Values]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return Object.fromEntries(given)
}

const whichOf = (values: Values) => texts(values, { provider: 'provider', account: 'account' })

function timesOf(values: Values): Record<string, string> {
  const now = new Date()
  const after = readTime(usage, 'after', values.after as string | undefined, now)
  const before = readTime(usage, 'before', values.before as string | undefined, now)
  return { ...(after && { after }), ...(before && { before }) }
}

function figuresQuery(values: Values, name: (typeof figureNames)[number]): Record<string, string | number> {
  if (name === 'restatements') {
    const filters = texts(values, { currency: 'currency', mode: 'mode' })
    return { ...filters, ...timesOf(values), limit: limitOf(values) }
  }
  const own = {
    days: {},
    churn: { period: 'period' },
    arpu: { period: 'period' },
    ltv: { period: 'period' },
    cohorts: { months: 'months' },
    recovery: { 'within-days': 'withinDays' },
  } as const
  return { ...texts(values, { ...figureFilters, ...own[name] }), ...timesOf(values) }
}
