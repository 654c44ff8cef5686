import { Badge } from '../parts/badge.tsx'
import { type Doubtful, doubtsOf } from './doubts-of.ts'

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
