import type { Tone } from './tone.ts'

/** A sign beside the word, so that colour is never the only difference. */
const signs: Readonly<Record<Tone, string>> = { good: '✓', bad: '✕', warn: '!', busy: '…', plain: '·' }

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return (
    <span className={`badge ${tone}`}>
      <span aria-hidden="true">{signs[tone]}</span>
      {children}
    </span>
  )
}

const tones: Readonly<Record<string, Tone>> = {
  success: 'good',
  delivered: 'good',
  active: 'good',
  healthy: 'good',
  well: 'good',
  completed: 'good',
  failed: 'bad',
  dead: 'bad',
  failing: 'bad',
  broken: 'bad',
  host_broken: 'bad',
  disabled: 'bad',
  pending: 'busy',
  processing: 'busy',
  waiting: 'busy',
  running: 'busy',
  throttled: 'warn',
  paused: 'warn',
  open: 'bad',
  acknowledged: 'warn',
  resolved: 'good',
  planned: 'busy',
  unrouted: 'warn',
  discarded: 'plain',
  cancelled: 'plain',
}

/** The badge of a word of one of the API's closed lists. */
export function StateBadge({ state }: { readonly state: string }) {
  return <Badge tone={tones[state] ?? 'plain'}>{state.replaceAll('_', ' ')}</Badge>
}
