import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { Source } from '@fairlead/wire/store/source'

const dayMs = 86_400_000
/** As long as providers such as Stripe retry: a request that was signed with the old secret has arrived by then, or never will. */
const quietDays = 3

/** A secret that can be taken out, and the sentence that says so. */
export interface OldSecret {
  readonly id: string
  readonly message: string
}

/**
 * Secrets of a source that were rotated out: they matched once, not for days, and another one has matched meanwhile. One
 * that never matched isn't among them, because the provider may not have begun to use it; and without a match of
 * another one the source is only quiet.
 */
export function oldSecretsOf({ secrets }: Pick<Source, 'secrets'>, nowMs: number): readonly OldSecret[] {
  return secrets.flatMap(({ id, lastMatchedAt }) => {
    if (!lastMatchedAt) return []
    const quietMs = nowMs - timestampMs(lastMatchedAt)
    const isReplaced = secrets.some(
      other => other.lastMatchedAt && nowMs - timestampMs(other.lastMatchedAt) < quietDays * dayMs,
    )
    if (quietMs < quietDays * dayMs || !isReplaced) return []
    return [{ id, message: `has not matched for ${Math.floor(quietMs / dayMs)} days: safe to remove` }]
  })
}
