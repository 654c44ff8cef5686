import type { DestinationId, EventId, OrganizationId, SourceId } from '@fairlead/webhook/id'
import { isId, isNumber, isOptional, isText, isTexts, parseObject, type Unchecked } from './fields.ts'
import { isMode, type Mode } from './mode.ts'
import { WireError } from './wire-error.ts'

/**
 * An event as a message of EVENTS: the payload is the body as it was received, and one header holds all that is
 * known about it. One header rather than many: it is written and read once, and a consumer that asks for headers
 * only (the log) gets the whole of it.
 */
export const eventHeader = 'Fairlead-Event'

export interface EventMeta {
  readonly id: EventId
  readonly organization: OrganizationId
  /** The source's name, as in its URL. */
  readonly source: string
  readonly sourceId: SourceId
  readonly provider: string
  /** Of the organization's configuration when this was received: a worker that knows an older one waits for it. */
  readonly revision: number
  /** As the provider names it; empty where it can't be told. */
  readonly type: string
  /**
   * All types of a request that holds several things, `type` first; 2 to 32. Absent for one thing, and in events that
   * were stored before there was this field.
   */
  readonly types?: readonly string[] | undefined
  /** Unix milliseconds. */
  readonly receivedAt: number
  readonly method: string
  /** Path and query, as received. */
  readonly url: string
  /** Names and values in turn, in the order and case received (node's rawHeaders). */
  readonly headers: readonly string[]
  /** Bytes of the body. */
  readonly size: number
  /** Which of the source's secrets matched (its id in the configuration); absent where none is needed. */
  readonly secret?: string | undefined
  /** Of its source, when this was received. Absent: live. */
  readonly mode?: Mode | undefined
  /** The provider's own account that its source declares, when this was received; absent: none. */
  readonly account?: string | undefined
  /** Digests of the values that it is found by (`search.ts`); absent: its source declares none. */
  readonly search?: readonly string[] | undefined
  /** The one destination that it goes to, whatever routes say: of notices of Fairlead's own, which no provider sent. */
  readonly to?: DestinationId | undefined
}

export function encodeEventMeta(meta: EventMeta): string {
  return JSON.stringify(meta)
}

/** Throws a WireError `event_unreadable`. Checked by hand: every event is read by a worker and by the store. */
export function decodeEventMeta(text: string | undefined): EventMeta {
  if (!text) throw new WireError('event_unreadable', `the message has no ${eventHeader} header`)
  let meta: Unchecked | undefined
  try {
    meta = parseObject(text)
  } catch (cause) {
    throw new WireError('event_unreadable', `the ${eventHeader} header can't be read`, { cause })
  }
  // Events that were stored before there were revisions have none.
  if (meta && isEventMeta(meta)) return meta.revision === undefined ? { ...meta, revision: 0 } : meta
  throw new WireError('event_unreadable', `the ${eventHeader} header doesn't describe an event`)
}

/** Each goes into a column of 64 bits. */
function isDigests(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.every(
      text =>
        typeof text === 'string' &&
        /^-?\d{1,19}$/.test(text) &&
        BigInt.asIntN(64, BigInt(text)) === BigInt(text),
    )
  )
}

function isEventMeta(meta: Unchecked): meta is Unchecked & EventMeta {
  return (
    isId('evt', meta.id) &&
    isId('org', meta.organization) &&
    isText(meta.source) &&
    isId('src', meta.sourceId) &&
    isText(meta.provider) &&
    isOptional(meta.revision, isNumber) &&
    isText(meta.type) &&
    isOptional(meta.types, isTexts) &&
    isNumber(meta.receivedAt) &&
    isText(meta.method) &&
    isText(meta.url) &&
    isTexts(meta.headers) &&
    isNumber(meta.size) &&
    isOptional(meta.secret, isText) &&
    isOptional(meta.mode, isMode) &&
    isOptional(meta.account, isText) &&
    isOptional(meta.search, isDigests) &&
    isOptional(meta.to, to => isId('dst', to))
  )
}
