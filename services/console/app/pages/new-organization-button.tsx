import { Link } from '@tanstack/react-router'
import { Needs } from '../parts/needs.tsx'
import { useRight } from '../session.ts'

export function NewOrganizationButton() {
  const { may, who } = useRight('platform', '')
  if (!may) {
    return (
      <button type="button" className="button small" disabled>
        New organization
        <Needs who={who} />
      </button>
    )
  }
  return (
    <Link to={'/platform/new-organization' as never} className="button small">
      New organization
    </Link>
  )
}
