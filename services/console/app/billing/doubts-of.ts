/** What a row says of how sure it is; payments say less. */
export interface Doubtful {
  readonly known: boolean
  readonly complete: boolean
  readonly stale?: boolean
  readonly gaps?: number | null
  readonly anomalies?: Readonly<Record<string, number>>
}

interface Doubt {
  readonly word: string
  readonly sentence: string
}

/** Whether it has more events than a row is computed from (docs/ledger.md). */
export const isBeyondBound = ({ anomalies }: Doubtful): boolean => (anomalies?.too_many_facts ?? 0) > 0

/** Why a row may differ from what its provider has. */
export function doubtsOf(row: Doubtful): readonly Doubt[] {
  const { known, complete, stale = false, gaps = 0 } = row
  return [
    ...(known ? [] : [mentioned]),
    ...(stale ? [outdated] : []),
    ...(gaps
      ? [
          {
            word: gaps === 1 ? 'an event is missing' : `${gaps} events are missing`,
            sentence:
              'Between two events that came, something changed that no event told of. Ask the provider to send its events again.',
          },
        ]
      : []),
    ...(complete ? [] : [whyIncomplete(row)]),
  ]
}

const mentioned: Doubt = {
  word: 'only mentioned',
  sentence: 'Other events name it, and no event has told of it yet: what is shown is what they say.',
}

const outdated: Doubt = {
  word: 'stale',
  sentence: 'A thin event told that it has changed, and no event has told what it is now.',
}

function whyIncomplete(row: Doubtful): Doubt {
  if (isBeyondBound(row)) {
    return {
      word: 'too many events',
      sentence:
        'It has more than the 1,000 events or 1 MiB that a row is computed from. The provider cut nothing short: the oldest changes are left out here and in the timeline, and all facts are kept.',
    }
  }
  // Payments tell of no anomalies: they are sums of several objects.
  if (!row.anomalies) {
    return {
      word: 'sums incomplete',
      sentence:
        'A refund or a dispute is in another currency, or money went back of which no event of a refund told: sums may leave something out.',
    }
  }
  return {
    word: 'cut short',
    sentence: 'The provider cut a list short: sums may leave something out.',
  }
}
