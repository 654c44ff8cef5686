import { useParams } from '@tanstack/react-router'
import { asksForRole } from '../rights.ts'
import { useOwnerOf } from '../session.ts'

/** What a control that may not be used takes, in words beside its own; and whom to ask for it. */
export function Needs({ who }: { readonly who: string }) {
  if (who === '') return null
  return (
    <span className="muted">
      {' '}
      ({who}
      {asksForRole(who) && <Owner />})
    </span>
  )
}

/** Rows of a list leave it out, see `AskOwner`. */
function Owner() {
  const owner = useOwner()
  return owner && <span className="owner">: ask {owner}</span>
}

/** Stands once above a list whose rows have controls that may not be used. */
export function AskOwner() {
  const owner = useOwner()
  return owner && <p className="muted">For what you may not do here, ask {owner}.</p>
}

function useOwner(): string | undefined {
  const { slug = '' } = useParams({ strict: false })
  return useOwnerOf(slug)
}
