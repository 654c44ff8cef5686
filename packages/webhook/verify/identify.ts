import { createHash } from 'node:crypto'
import type { Identity, Repeats, WebhookRequest } from '../scheme.ts'
import {
  type IdentityRule,
  nothingAsked,
  type OpenedRule,
  openRule,
  prepare,
  type Reading,
} from './identity-rule.ts'

/** The things that a provider's id can be the name of. */
export const namedThings = {
  delivery: 'one sending to one endpoint',
  occurrence: 'one thing that happened',
  message: 'a mail, message or call, whose states share the id',
  object: 'the object that changed, whose changes share the id',
  nothing: 'nothing, because none is sent',
} as const
export type Named = keyof typeof namedThings

/** The parts that two requests of the same event share. */
export const repeatTexts = {
  id: 'the same id',
  'id-and-body': 'the same id and the same body',
  body: 'the same body',
  none: 'nothing: each request is an event with an id of its own',
} as const satisfies Record<Repeats, string>

/** Where an id stands, and whether the body counts too where that differs from the row. */
export type IdRule = IdentityRule | { readonly rule: IdentityRule; readonly repeats: 'id' | 'id-and-body' }

/** The places of ids and types, and the parts that two requests of the same event share. */
export interface IdentityRules {
  readonly names: Named
  readonly repeats: Repeats
  /** The first that finds something wins. A path with `*` takes the texts of all elements together. */
  readonly id?: readonly IdRule[]
  /** Used for a request in which no rule of `id` finds anything. Default none: the request is an event of its own. */
  readonly withoutId?: 'body' | 'none'
  /**
   * The first that finds something wins. If it has a `*`, the others with a `*` count too: each kind of element in a
   * batch has its own place for its type.
   */
  readonly type?: readonly IdentityRule[]
}

const maxIdLength = 512
const maxTypeLength = 256
/** Distinct types of one request that are kept. */
export const maxTypes = 32

/** Makes the rules ready once: asking about a request compiles nothing, and reads its body once. */
export function openIdentify(rules: IdentityRules): (request: WebhookRequest) => Identity {
  const asked = nothingAsked()
  const ids = (rules.id ?? []).map((entry): OpenedId => {
    const { rule, repeats } = 'rule' in entry ? entry : { rule: entry, repeats: rules.repeats }
    return { rule: openRule(rule, asked, undefined), repeats }
  })
  const types = (rules.type ?? []).map(rule => openRule(rule, asked, maxTypes))
  prepare(asked)
  const withoutId = rules.withoutId ?? (rules.repeats === 'body' ? 'body' : 'none')
  return request => {
    const reading: Reading = { request, found: undefined, form: undefined }
    return addTypes(idOf(reading, ids, withoutId), reading, types)
  }
}

interface OpenedId {
  readonly rule: OpenedRule
  readonly repeats: Repeats
}

function idOf(reading: Reading, ids: readonly OpenedId[], withoutId: 'body' | 'none'): MadeIdentity {
  for (const { rule, repeats } of ids) {
    const id = rule.kind === 'one' ? rule.text(reading) : oneId(rule.texts(reading))
    // A longer id is left out: cut, it could make two deliveries one.
    if (id === undefined || id === '' || id.length > maxIdLength) continue
    if (repeats !== 'id-and-body') return { deliveryId: id, repeats: 'id' }
    const content = contentOf(reading.request)
    if (content !== undefined) return { deliveryId: `${id}:${digestOf(content)}`, repeats }
  }
  const content = withoutId === 'body' ? contentOf(reading.request) : undefined
  return content === undefined
    ? { repeats: 'none' }
    : { deliveryId: `sha256:${digestOf(content)}`, repeats: 'body' }
}

type MadeIdentity = { -readonly [Name in keyof Identity]: Identity[Name] }

/** The body, or the query of a request without one (a GET). Undefined where both are empty: those are all the same. */
function contentOf({ body, url }: WebhookRequest): Uint8Array | undefined {
  if (body.byteLength > 0) return body
  const start = url.indexOf('?')
  return start < 0 || start === url.length - 1 ? undefined : Buffer.from(url.slice(start))
}

/**
 * One id for all elements of a batch: the same first element in another batch must not hide the others. Undefined
 * where an element has none.
 */
function oneId(texts: readonly (string | undefined)[]): string | undefined {
  const [first] = texts
  if (first === undefined || texts.length === 1) return first
  if (texts.includes(undefined)) return undefined
  return `${first}+${texts.length - 1}:${digestOf(Buffer.from(JSON.stringify(texts)))}`
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function addTypes(identity: MadeIdentity, reading: Reading, rules: readonly OpenedRule[]): Identity {
  let several: string[] | undefined
  for (const rule of rules) {
    if (rule.kind === 'one') {
      if (identity.eventType !== undefined) continue
      const text = rule.text(reading)
      if (!isType(text)) continue
      identity.eventType = text
      return identity
    }
    for (const text of rule.texts(reading)) {
      if (!isType(text) || text === identity.eventType) continue
      if (identity.eventType === undefined) identity.eventType = text
      else if (!several) several = [identity.eventType, text]
      else if (several.length < maxTypes && !several.includes(text)) several.push(text)
    }
  }
  if (several) identity.eventTypes = several
  return identity
}

function isType(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text.length <= maxTypeLength
}
