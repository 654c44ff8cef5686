import type { IncomingMessage } from 'node:http'
import type { Verdict } from '@fairlead/webhook/scheme'
import type { Publisher } from '@fairlead/wire/publish'
import { encodeRejectionMeta, maxKeptBytes, type RepeatOf, rejectionHeader } from '@fairlead/wire/rejection'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import { repeatsSubject } from '@fairlead/wire/subjects'
import type { Source } from './directory.ts'

/** Keeps requests that did not verify, so that the organization's members can find out why. */
export interface RejectionLog {
  /** False where this source has left too many lately: this one is lost. */
  add(
    source: Source,
    request: IncomingMessage,
    body: Uint8Array,
    verdict: Extract<Verdict, { kind: 'invalid' }>,
    more?: {
      /** A secret that the provider handed over: kept sealed, and taken out of the rest of the record. */
      readonly offered?: string
      /** Public URLs that were tried, without their query; none where the provider signs no URL. */
      readonly publicUrls?: readonly string[]
    },
  ): boolean
  /** A request that verified, and was swallowed as a repeat although its body differs. */
  addRepeat(source: Source, request: IncomingMessage, body: Uint8Array, repeats: RepeatOf): void
}

/** Best effort: a record that can't be written is counted by `lost` and otherwise forgotten. */
export function openRejectionLog(
  publisher: Publisher,
  keyring: Pick<Keyring, 'seal'>,
  now: () => number,
  lost: () => void,
): RejectionLog {
  return {
    addRepeat(source, request, body, repeats) {
      const receivedAt = now()
      if (source.repeatBucket.take(receivedAt) > 0) return lost()
      const meta = encodeRejectionMeta({
        ...requestMeta(source, request, body, receivedAt),
        reason: 'repeat_differs',
        detail: `it has the id of ${repeats.event} and another body`,
        repeats,
      })
      const kept = body.length <= maxKeptBytes ? body : new Uint8Array(0)
      const subject = repeatsSubject(source.organization.id, source.config.name)
      publisher.publish(subject, kept, { [rejectionHeader]: meta }).catch(lost)
    },
    add(source, request, body, verdict, { offered, publicUrls = [] } = {}) {
      const receivedAt = now()
      if (source.rejectionBucket.take(receivedAt) > 0) {
        lost()
        return false
      }
      const meta = encodeRejectionMeta({
        ...requestMeta(source, request, body, receivedAt),
        reason: verdict.reason,
        ...(verdict.detail !== undefined && { detail: verdict.detail }),
        ...(publicUrls.length > 0 && { publicUrls: [...publicUrls] }),
        ...(offered !== undefined && {
          headers: request.rawHeaders.map(text => (text.includes(offered) ? '[redacted]' : text)),
          offered: keyring.seal(
            offered,
            sealContext.offeredSecret(source.organization.id, source.config.name),
          ),
        }),
      })
      // A body can spell a secret in more ways than could be taken out of it.
      const isKept = body.length <= maxKeptBytes && offered === undefined
      const kept = isKept ? body : new Uint8Array(0)
      publisher.publish(source.rejectionsSubject, kept, { [rejectionHeader]: meta }).catch(lost)
      return true
    },
  }
}

/** The part of a record that says what was sent, and to which source. */
const requestMeta = (source: Source, request: IncomingMessage, body: Uint8Array, receivedAt: number) => ({
  organization: source.organization.id,
  source: source.config.name,
  provider: source.config.provider,
  receivedAt,
  method: request.method ?? '',
  url: request.url ?? '',
  headers: request.rawHeaders,
  size: body.length,
  mode: source.config.mode,
})
