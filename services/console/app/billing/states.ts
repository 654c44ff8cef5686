import type { Tone } from '../parts/tone.ts'

/** What a state means for whoever reads it. */
interface Said {
  readonly tone: Tone
  readonly sentence: string
}

const unknown: Said = { tone: 'warn', sentence: 'The provider names a state that the ledger doesn’t know.' }

/** One word may mean another thing of another noun, so each noun has its own. Compared with the API's lists by a test. */
export const states = {
  subscription: {
    incomplete: { tone: 'warn', sentence: 'Its first payment has not succeeded yet.' },
    trialing: { tone: 'busy', sentence: 'It is in its trial: nothing is paid for it yet.' },
    active: { tone: 'good', sentence: 'It goes on, and nothing is owed for it.' },
    past_due: { tone: 'bad', sentence: 'Its newest invoice isn’t paid, and the provider goes on trying.' },
    unpaid: { tone: 'bad', sentence: 'Its invoices aren’t paid, and the provider no longer tries.' },
    paused: { tone: 'warn', sentence: 'It is suspended: nothing is billed until it goes on.' },
    canceled: { tone: 'plain', sentence: 'It has ended.' },
    expired: { tone: 'plain', sentence: 'It has run out, or its first payment never came.' },
    unknown,
  },
  invoice: {
    draft: { tone: 'plain', sentence: 'It may still change, and nobody is asked to pay yet.' },
    open: { tone: 'warn', sentence: 'It waits to be paid.' },
    uncollectible: { tone: 'bad', sentence: 'Nobody expects it to be paid any more.' },
    paid: { tone: 'good', sentence: 'Nothing of it is left to pay.' },
    void: { tone: 'plain', sentence: 'It was taken back: nobody has to pay it.' },
    unknown,
  },
  payment: {
    pending: { tone: 'busy', sentence: 'The money is on its way, or the customer has not paid yet.' },
    requires_action: {
      tone: 'warn',
      sentence: 'The customer has to do something, such as confirm at the bank.',
    },
    failed: { tone: 'bad', sentence: 'No money was taken.' },
    canceled: { tone: 'plain', sentence: 'It was given up before money was taken.' },
    succeeded: { tone: 'good', sentence: 'The money was taken.' },
    partially_refunded: { tone: 'warn', sentence: 'A part of the money was given back.' },
    refunded: { tone: 'plain', sentence: 'All of the money was given back.' },
    disputed: {
      tone: 'bad',
      sentence: 'The customer’s bank asks for the money back, and this is not decided.',
    },
    lost: { tone: 'bad', sentence: 'A dispute was lost: the money went back to the customer.' },
    reversed: { tone: 'bad', sentence: 'The provider took the money back.' },
    unknown,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Said>>>>

export type StatedNoun = keyof typeof states

export function saidOf(noun: StatedNoun, state: string | null): Said {
  const known: Readonly<Record<string, Said>> = states[noun]
  return known[state ?? 'unknown'] ?? unknown
}
