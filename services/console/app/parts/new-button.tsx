import { Link } from '@tanstack/react-router'
import { useRight } from '../session.ts'
import { Needs } from './needs.tsx'

/** Leads to the page that makes a setting; says who may, where the person may not. */
export function NewButton({
  slug,
  noun,
}: {
  readonly slug: string
  readonly noun: 'source' | 'destination' | 'route'
}) {
  const { may, who } = useRight('administer', slug)
  if (!may) {
    return (
      <button type="button" className="button small" disabled>
        New {noun}
        <Needs who={who} />
      </button>
    )
  }
  return (
    <Link to={`/organizations/${slug}/new-${noun}` as never} className="button small">
      New {noun}
    </Link>
  )
}
