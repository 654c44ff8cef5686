import { type EventId, eventId, type OrganizationId } from '@fairlead/webhook/id'
import type { Identity, RejectionReason, Scheme } from '@fairlead/webhook/scheme'
import { verifyAt } from '@fairlead/webhook/verify-at'
import type { SourceConfig } from '@fairlead/wire/config'
import { joinHeaders } from '@fairlead/wire/join-headers'
import type { Mode } from '@fairlead/wire/mode'
import { openSourceScheme } from '@fairlead/wire/open-source'
import type { RejectionMeta, RepeatOf } from '@fairlead/wire/rejection'
import type { Keyring } from '@fairlead/wire/seal'
import type { Published } from '../publish/publish.ts'
import type { StoredRejection } from './read.ts'

/** The fields of an event that follow from verifying its request. */
export type EventFacts = Omit<RepeatOf, 'event'> & { readonly mode?: Mode | undefined }

export type Judged =
  | { readonly kind: 'passes'; readonly id: EventId; readonly facts: EventFacts }
  | { readonly kind: 'stays'; readonly reason: StayReason }

/** Why a rejection stays one. */
export type StayReason = RejectionReason | 'handshake' | UndecidedReason
/** Nothing was verified. */
export type UndecidedReason =
  | 'source_gone'
  | 'source_unusable'
  | 'body_not_kept'
  | 'offers_secret'
  /** The source's provider signs nothing, so anyone's request would pass. */
  | 'unsigned'
  /** The provider publishes its keys, which are not fetched here. */
  | 'key_unavailable'

const undecided: ReadonlySet<string> = new Set<UndecidedReason>([
  'source_gone',
  'source_unusable',
  'body_not_kept',
  'offers_secret',
  'unsigned',
  'key_unavailable',
])
export const isUndecided = (reason: StayReason): boolean => undecided.has(reason)

/**
 * Verifies rejections as a receiver would now, with the time of their receipt. No caller can force a rejection to pass:
 * the verdict follows from the record, which receivers alone write, and from the configuration.
 *
 * @param publicUrl scheme, host and port as providers see them, for records that name no URL
 */
export function openJudge(
  { config, revision }: Published,
  keyring: Pick<Keyring, 'open'>,
  publicUrl: string,
): (rejection: StoredRejection) => Promise<Judged> {
  const schemes = new Map<SourceConfig, Scheme | undefined>()
  const schemeOf = (source: SourceConfig): Scheme | undefined => {
    if (!schemes.has(source)) schemes.set(source, openOrNot(config.id, source, keyring))
    return schemes.get(source)
  }
  return async rejection => {
    const { meta, body, seq } = rejection
    if (meta.offered !== undefined) return stays('offers_secret')
    if (body.length !== meta.size) return stays('body_not_kept')
    const own = eventId(config.id, meta.source, { id: `rejection ${seq} of ${meta.receivedAt}` })
    if (meta.repeats) {
      const { event: _, ...facts } = meta.repeats
      return { kind: 'passes', id: own, facts: { ...facts, revision, ...modeOf(meta) } }
    }
    const source = config.sources.find(({ name }) => name === meta.source)
    if (!source) return stays('source_gone')
    const scheme = schemeOf(source)
    if (!scheme) return stays('source_unusable')
    if (scheme.unsigned) return stays('unsigned')
    const request = { method: meta.method, headers: joinHeaders(meta.headers), body }
    const urls = urlsOf(meta, source.options.publicUrl, publicUrl)
    const { received, verdict } = await verifyAt(scheme, request, urls, meta.receivedAt)
    if (scheme.handshake(received, verdict.kind === 'valid', meta.receivedAt)) return stays('handshake')
    if (verdict.kind === 'invalid') return stays(verdict.reason)
    const identity = scheme.identify(received)
    const secret = verdict.secret === undefined ? undefined : source.secrets[verdict.secret]?.id
    return {
      kind: 'passes',
      id: idOf(config.id, source, identity) ?? own,
      facts: {
        sourceId: source.id,
        revision,
        ...typesOf(identity),
        ...(secret !== undefined && { secret }),
        ...modeOf(meta),
      },
    }
  }
}

const stays = (reason: StayReason): Judged => ({ kind: 'stays', reason })

function openOrNot(
  organization: OrganizationId,
  source: SourceConfig,
  keyring: Pick<Keyring, 'open'>,
): Scheme | undefined {
  try {
    return openSourceScheme(organization, source, keyring)
  } catch {
    return undefined
  }
}

/** The id that a receiver would give it; undefined where each request is an event of its own. */
function idOf(
  organization: OrganizationId,
  source: SourceConfig,
  { deliveryId, repeats }: Identity,
): EventId | undefined {
  if (!source.deduplicate || repeats === 'none' || deliveryId === undefined) return undefined
  return eventId(organization, source.name, { id: deliveryId })
}

const modeOf = ({ mode }: RejectionMeta) => (mode ? { mode } : {})

const typesOf = ({ eventType = '', eventTypes }: Identity) => ({
  type: eventType,
  ...(eventTypes && { types: [...eventTypes] }),
})

/** The URLs that the provider may have signed: as the receiver takes them, the query the request's own. */
function urlsOf({ url, publicUrls = [] }: RejectionMeta, own: unknown, base: string): string[] {
  const at = url.indexOf('?')
  const query = at < 0 ? '' : url.slice(at)
  if (typeof own === 'string') return [own + query]
  const urls = publicUrls.map(known => known + query)
  // Joined as text, since a URL that was signed is never written anew.
  return urls.length > 0 ? urls : [base.replace(/\/$/, '') + url]
}
