import { Badge } from '../parts/badge.tsx'

/** What a row says of how sure it is; payments say less. */
export interface Doubtful {
  readonly known: boolean
  readonly complete: boolean
  readonly stale?: boolean
  readonly gaps?: number | null
}

interface Doubt {
  readonly word: string
  readonly sentence: string
}

/** Why a row may differ from what its provider has. */
function doubtsOf({ known, complete, stale = false, gaps = 0 }: Doubtful): readonly Doubt[] {
  return [
    ...(known
      ? []
      : [
          {
            word: 'only mentioned',
            sentence:
              'Other events name it, and no event has told of it yet: what is shown is what they say.',
          },
        ]),
    ...(stale
      ? [
          {
            word: 'stale',
            sentence: 'A thin event told that it has changed, and no event has told what it is now.',
          },
        ]
      : []),
    ...(gaps
      ? [
          {
            word: gaps === 1 ? 'an event is missing' : `${gaps} events are missing`,
            sentence:
              'Between two events that came, something changed that no event told of. Ask the provider to send its events again.',
          },
        ]
      : []),
    ...(complete
      ? []
      : [
          {
            word: 'cut short',
            sentence:
              'The provider cut a list short, or a refund is in another currency: sums may leave something out.',
          },
        ]),
  ]
}

export function DoubtBadges({ row }: { readonly row: Doubtful }) {
  return doubtsOf(row).map(({ word }) => (
    <Badge key={word} tone="warn">
      {word}
    </Badge>
  ))
}

export function DoubtNotes({ row }: { readonly row: Doubtful }) {
  return doubtsOf(row).map(({ word, sentence }) => (
    <p key={word} className="note warn">
      <strong>{capital(word)}.</strong> {sentence}
    </p>
  ))
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
