import { eventId, fromUuid, type IdPrefix, type OrganizationId, parseId, toUuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/** Whose something is: for staff who are told an id by a tenant, or an address by somebody else. */

const mostHits = 50
/** Sources whose events are looked for by the id that a provider gave them. */
const mostSources = 50_000

export type Question =
  /** A thing of a table with settings or with lists: it is found by its id. */
  | { readonly kind: 'thing'; readonly prefix: keyof typeof tables; readonly uuid: string }
  | { readonly kind: 'event'; readonly uuid: string }
  | { readonly kind: 'delivery'; readonly uuid: string }
  | { readonly kind: 'address'; readonly email: string }
  | { readonly kind: 'text'; readonly text: string }

/** By the prefix of their ids: the table, the word for it, and what people know a row by. */
const tables = {
  org: { table: 'organizations', kind: 'organization', name: 'x.slug' },
  iss: { table: 'issues', kind: 'issue', name: 'x.cause' },
  src: { table: 'sources', kind: 'source', name: 'x.name' },
  dst: { table: 'destinations', kind: 'destination', name: 'x.name' },
  rte: { table: 'routes', kind: 'route', name: 'x.source' },
  mem: { table: 'members', kind: 'member', name: 'x.email' },
  key: { table: 'api_keys', kind: 'key', name: 'x.name' },
  rty: { table: 'replays', kind: 'retry', name: 'x.state::text' },
  rpl: { table: 'replays', kind: 'replay', name: 'x.state::text' },
} as const satisfies Partial<Record<IdPrefix, unknown>>

/** What a text asks for. Throws a StoreError `invalid_field`. Pure. */
export function readQuestion(typed: string): Question {
  if (typed.length < 2 || typed.length > 320) {
    throw new StoreError('invalid_field', 'text: must have 2 to 320 characters', { field: 'text' })
  }
  const text = typed.trim()
  const attempt = /^att_([0-9a-z]{26})-[1-9]\d{0,8}$/.exec(text)
  const delivery = parseId('dlv', attempt ? `dlv_${attempt[1]}` : text)
  if (delivery) return { kind: 'delivery', uuid: toUuid(delivery) }
  const event = parseId('evt', text)
  if (event) return { kind: 'event', uuid: toUuid(event) }
  for (const prefix of Object.keys(tables) as (keyof typeof tables)[]) {
    const id = parseId(prefix, text)
    if (id) return { kind: 'thing', prefix, uuid: toUuid(id) }
  }
  const isAddress = text.includes('@') && !/\s/.test(text)
  return isAddress ? { kind: 'address', email: text.toLowerCase() } : { kind: 'text', text }
}

interface HitRow {
  readonly kind: string
  readonly uuid: string
  readonly name: string
  readonly organization_id: string
  readonly slug: string
  readonly display_name: string
  readonly event_uuid?: string
}

const owner = 'o.id as organization_id, o.slug, o.display_name'

/** At most 50, under the platform's scope; none of an organization that was deleted. */
export async function findOnPlatform(db: Db, question: Question) {
  return (await rowsOf(db, question)).map(row => ({
    kind: row.kind,
    id: idOf(row),
    name: row.name,
    organizationId: fromUuid('org', row.organization_id),
    slug: row.slug,
    displayName: row.display_name,
    eventId: row.event_uuid ? fromUuid('evt', row.event_uuid) : '',
  }))
}

async function rowsOf(db: Db, question: Question): Promise<readonly HitRow[]> {
  switch (question.kind) {
    case 'thing':
      return await findThing(db, question)
    case 'event':
      return await findEvents(db, 'e.id = $1', question.uuid)
    case 'delivery':
      return await findDelivery(db, question.uuid)
    case 'address':
      return await findMembers(db, question.email)
    case 'text':
      return [...(await findByName(db, question.text)), ...(await findByProvidersId(db, question.text))]
    default:
      return question satisfies never
  }
}

async function findThing(db: Db, { prefix, uuid }: Extract<Question, { kind: 'thing' }>): Promise<HitRow[]> {
  const { table, kind, name } = tables[prefix]
  const organization = prefix === 'org' ? 'x.id' : 'x.organization_id'
  const { rows } = await db.query<HitRow>(
    `select '${kind}' as kind, x.id as uuid, ${name} as name, ${owner}
     from ${table} x join organizations o on o.id = ${organization}
     where x.id = $1 and o.deleted_at is null limit ${mostHits}`,
    [uuid],
  )
  return rows
}

/** In one organization after the other: the organization begins each index of the log. */
async function findEvents(db: Db, condition: string, value: unknown): Promise<HitRow[]> {
  const { rows } = await db.query<HitRow>(
    `select 'event' as kind, f.id as uuid, f.type as name, ${owner}
     from organizations o cross join lateral (
       select e.id, e.type from events e where e.organization_id = o.id and ${condition} limit 1) f
     where o.deleted_at is null limit ${mostHits}`,
    [value],
  )
  return rows
}

async function findDelivery(db: Db, uuid: string): Promise<HitRow[]> {
  const { rows } = await db.query<HitRow>(
    `select 'delivery' as kind, $1::uuid as uuid, f.state::text as name, f.event_id as event_uuid, ${owner}
     from organizations o cross join lateral (
       select d.state, d.event_id from deliveries d
       where d.organization_id = o.id and d.id = $1::uuid limit 1) f
     where o.deleted_at is null limit ${mostHits}`,
    [uuid],
  )
  return rows
}

async function findMembers(db: Db, email: string): Promise<HitRow[]> {
  const { rows } = await db.query<HitRow>(
    `select 'member' as kind, m.id as uuid, m.email as name, ${owner}
     from members m join organizations o on o.id = m.organization_id
     where m.email = $1 and o.deleted_at is null order by o.slug limit ${mostHits}`,
    [email],
  )
  return rows
}

/** Organizations by slug or name, destinations by name or host. */
async function findByName(db: Db, text: string): Promise<HitRow[]> {
  const { rows } = await db.query<HitRow>(
    `(select 'organization' as kind, o.id as uuid, o.slug as name, ${owner} from organizations o
      where o.deleted_at is null
        and (strpos(lower(o.slug), lower($1)) > 0 or strpos(lower(o.display_name), lower($1)) > 0)
      order by o.slug limit ${mostHits / 2})
     union all
     (select 'destination', d.id, d.name || ' (' || h.host || ')', ${owner}
      from destinations d join organizations o on o.id = d.organization_id
      cross join lateral (select coalesce(substring(d.url from '^[a-z]+://(?:[^/?#]*@)?([^/?#]+)'), d.kind) as host) h
      where o.deleted_at is null and d.deleted_at is null
        and (strpos(lower(d.name), lower($1)) > 0 or strpos(lower(h.host), lower($1)) > 0)
      order by o.slug, d.name limit ${mostHits / 2})`,
    [text],
  )
  return rows
}

/** An event by the id that its provider gave it: ours follows from it, from the organization and from the source's name. */
async function findByProvidersId(db: Db, text: string): Promise<HitRow[]> {
  // Ids of providers are long; words that people look for are not.
  if (text.length < 6) return []
  const { rows } = await db.query<{ organization_id: string; name: string }>(
    `select organization_id, name from sources limit ${mostSources}`,
  )
  const candidates = rows.map(row => {
    const organization: OrganizationId = fromUuid('org', row.organization_id)
    return toUuid(eventId(organization, row.name, { id: text }))
  })
  if (candidates.length === 0) return []
  const { rows: found } = await db.query<HitRow>(
    `select 'event' as kind, e.id as uuid, e.type as name, ${owner}
     from unnest($1::uuid[], $2::uuid[]) as c (organization_id, id)
     cross join lateral (
       select x.id, x.type from events x where x.organization_id = c.organization_id and x.id = c.id limit 1) e
     join organizations o on o.id = c.organization_id
     where o.deleted_at is null limit ${mostHits}`,
    [rows.map(row => row.organization_id), candidates],
  )
  return found
}

const prefixes: Readonly<Record<string, IdPrefix>> = {
  event: 'evt',
  delivery: 'dlv',
  ...Object.fromEntries(
    Object.entries(tables).map(([prefix, { kind }]) => [kind, prefix as keyof typeof tables]),
  ),
}

function idOf({ kind, uuid }: HitRow): string {
  const prefix = prefixes[kind]
  if (!prefix) throw new TypeError(`${kind} has no ids`)
  return fromUuid(prefix, uuid)
}
