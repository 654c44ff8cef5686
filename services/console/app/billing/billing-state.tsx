import { Badge } from '../parts/badge.tsx'
import type { Tone } from '../parts/tone.ts'
import { type StatedNoun, saidOf } from './states.ts'

/** A state in a word, a colour and a sign. */
export function BillingState({ noun, state }: { readonly noun: StatedNoun; readonly state: string | null }) {
  return <Badge tone={saidOf(noun, state).tone}>{(state ?? 'unknown').replaceAll('_', ' ')}</Badge>
}

const partTones: Readonly<Record<string, Tone>> = {
  succeeded: 'good',
  won: 'good',
  issued: 'good',
  pending: 'busy',
  under_review: 'busy',
  warning: 'warn',
  needs_response: 'warn',
  requires_action: 'warn',
  failed: 'bad',
  lost: 'bad',
}

/** The state of a refund, a dispute or a credit note. */
export function PartState({ state }: { readonly state: string | null }) {
  return <Badge tone={partTones[state ?? ''] ?? 'plain'}>{(state ?? 'unknown').replaceAll('_', ' ')}</Badge>
}
