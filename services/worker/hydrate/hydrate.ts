import { createHash } from 'node:crypto'
import { openTurns, type Turns } from '@fairlead/daemon/turns'
import { canonicalJson } from '@fairlead/ledger/canonical'
import type { Fact } from '@fairlead/ledger/facts'
import { factsOf } from '@fairlead/ledger/facts-of'
import type { EventMeta } from '@fairlead/wire/event'
import { Counter, type Registry } from 'prom-client'
import { type AskedAs, type Json, type StripeApi, StripeApiError, stripeVersion } from './stripe-api.ts'
import { pathsOf, type WantedObject, wantedOf } from './wanted.ts'

/**
 * Fetches what events of Stripe leave out, where the tenant gave a key for their source: lists that were cut at ten, and the objects that
 * thin events only name. An object as it was fetched is an event of Fairlead's own (`fairlead.snapshot`, ids that begin with `fl_`), and
 * its facts say so: nothing that was fetched can be taken for something that Stripe signed.
 */

/** Pages of one list, of 100 each. */
const mostPages = 50
const pageSize = 100
/** Of all pages of one list, as text: they are in memory together. */
const mostListBytes = 16 * 1024 * 1024
/** At one time in a worker, and of one organization: 64 MiB of lists, and as much of objects, of 4 MiB each. */
const mostLists = { places: 4, mostOfOne: () => 1 }
const mostObjects = { places: 16, mostOfOne: () => 4 }

export interface Hydrator {
  /**
   * Facts of what was fetched; none where the event leaves nothing out.
   * @param key a restricted key of the tenant's, for the event's source
   * @throws StripeApiError `refused` or `later`; what `signal` was aborted with
   */
  hydrate(meta: EventMeta, facts: readonly Fact[], key: string, signal: AbortSignal): Promise<Fact[]>
}

export function openHydrator(api: StripeApi, registry: Registry): Hydrator {
  const objects = new Counter({
    name: 'fairlead_ledger_hydrations_total',
    help: 'Objects that events of Stripe left incomplete and whose source has a key, by what became of them: fetched, gone, refused, later (asked again), other_mode (the key is of the other mode), unread',
    labelNames: ['result'],
    registers: [registry],
  })
  const objectTurns = openTurns<string>(mostObjects)
  const source = { api, listTurns: openTurns<string>(mostLists) }
  async function hydrateOne(
    wanted: WantedObject,
    meta: EventMeta,
    as: AskedAs,
    signal: AbortSignal,
  ): Promise<Fact[]> {
    if (modeOf(as.key) !== wanted.mode) {
      objects.inc({ result: 'other_mode' })
      return []
    }
    using _turn = await objectTurns.take(as.owner, signal)
    try {
      const { object, at } = await fetchWhole(source, wanted, as, signal)
      const read = factsOf({
        provider: 'stripe',
        type: 'fairlead.snapshot',
        body: Buffer.from(JSON.stringify(snapshotOf(wanted, object, at))),
        sourceMode: wanted.mode,
        ...(meta.account !== undefined && { sourceAccount: meta.account }),
      })
      objects.inc({ result: read.kind === 'facts' ? 'fetched' : 'unread' })
      return read.kind === 'facts' ? [...read.facts] : []
    } catch (error) {
      if (!(error instanceof StripeApiError)) throw error
      objects.inc({ result: error.kind })
      // It was deleted since: the events tell of that.
      if (error.kind === 'gone') return []
      throw error
    }
  }
  return {
    async hydrate(meta, facts, key, signal) {
      const fetched: Fact[] = []
      for (const wanted of wantedOf(facts, meta.account ?? '')) {
        const as = { key, account: wanted.account, owner: meta.organization }
        fetched.push(...(await hydrateOne(wanted, meta, as, signal)))
      }
      return fetched
    },
  }
}

/** Of a key of Stripe's: `rk_live_…`, `rk_test_…`. */
const modeOf = (key: string): string | undefined => /^(?:rk|sk)_(live|test)_/.exec(key)?.[1]

interface Source {
  readonly api: StripeApi
  readonly listTurns: Turns<string>
}

/** The object with its whole list. */
async function fetchWhole(
  { api, listTurns }: Source,
  { kind, id }: WantedObject,
  as: AskedAs,
  signal: AbortSignal,
): Promise<{ object: Json; at: number }> {
  const paths = pathsOf(kind)
  if (!paths) throw new TypeError(`objects of the kind ${kind} are not fetched`)
  const name = encodeURIComponent(id)
  const { object, at } = await api.get(paths.path(name), as, signal)
  const embedded = paths.list && listOf(object[paths.list.field])
  if (!paths.list || !embedded?.hasMore) return { object, at }
  using _turn = await listTurns.take(as.owner, signal)
  const data = await fetchList(api, paths.list.path(name), as, signal)
  return { object: { ...object, [paths.list.field]: { object: 'list', data, has_more: false } }, at }
}

/** All of a list, page after page. Throws a StripeApiError `refused` for one without end. */
async function fetchList(api: StripeApi, path: string, as: AskedAs, signal: AbortSignal): Promise<Json[]> {
  const items: Json[] = []
  let bytes = 0
  const join = path.includes('?') ? '&' : '?'
  for (let page = 0; page < mostPages; page += 1) {
    const last = items.at(-1)?.id
    const after = typeof last === 'string' ? `&starting_after=${encodeURIComponent(last)}` : ''
    const answer = await api.get(`${path}${join}limit=${pageSize}${after}`, as, signal)
    bytes += answer.bytes
    if (bytes > mostListBytes) {
      throw new StripeApiError('refused', `a list of Stripe has more than ${mostListBytes} bytes`)
    }
    const list = listOf(answer.object)
    if (!list) throw new StripeApiError('later', 'the API of Stripe answered no list')
    items.push(...list.data)
    if (!list.hasMore || list.data.length === 0) return items
  }
  throw new StripeApiError('refused', `a list of Stripe has more than ${mostPages * pageSize} items`)
}

function listOf(value: unknown): { readonly data: Json[]; readonly hasMore: boolean } | undefined {
  if (typeof value !== 'object' || value === null || !('data' in value) || !Array.isArray(value.data))
    return undefined
  return { data: value.data as Json[], hasMore: 'has_more' in value && value.has_more === true }
}

/** As an event: its id follows from the content, so that what was fetched twice is one. */
function snapshotOf({ account, mode }: WantedObject, object: Json, at: number): Json {
  const digest = createHash('sha256')
    .update(`${at}\n${canonicalJson(object)}`)
    .digest('hex')
  return {
    id: `fl_${digest.slice(0, 40)}`,
    object: 'event',
    type: 'fairlead.snapshot',
    api_version: stripeVersion,
    created: at,
    livemode: mode === 'live',
    ...(account !== '' && { account }),
    data: { object },
  }
}
