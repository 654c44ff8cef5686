import { type Invitation, listInvitations, revokeInvitation } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { once, take } from '../call.ts'
import { ProblemNote } from '../parts/problem.tsx'
import { ActionButton } from '../resource/actions.tsx'
import type { Action } from '../resource/resource.ts'
import { Time } from '../time.tsx'

const revoke: Action<Invitation> = {
  label: 'Revoke',
  right: 'administer',
  tone: 'danger',
  confirm: ({ email }) => `The link in the mail to ${email} is useless from this moment on.`,
  run: ({ id }, slug) => take(revokeInvitation(slug, id, once())),
  done: () => 'Revoked',
}

/** Those who were invited and have not come yet; nothing where there are none. */
export function Invitations() {
  const { slug = '' } = useParams({ strict: false })
  const query = useQuery({
    queryKey: ['invitations', slug],
    queryFn: ({ signal }) => take(listInvitations(slug, { signal })),
  })
  if (query.isError) return <ProblemNote error={query.error} again={() => void query.refetch()} />
  const items = query.data?.items ?? []
  if (items.length === 0) return null
  return (
    <section className="page" aria-labelledby="invited">
      <h2 id="invited">Invited, not here yet</h2>
      <ul className="plain-list">
        {items.map(item => (
          <li key={item.id} className="row">
            <span className="strong">{item.email}</span>
            <span>as {item.role}</span>
            <span className="muted">
              by {item.invitedBy}; the link ends <Time at={item.expiresAt} />
            </span>
            <ActionButton action={revoke} item={item} slug={slug} />
          </li>
        ))}
      </ul>
    </section>
  )
}
