import { listMembers, type Member, removeMember } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { Owned } from '../parts/owned.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago } from '../time.tsx'
import { ChangeRole } from './change-role.tsx'
import { Invitations } from './invitations.tsx'
import { Invite } from './invite.tsx'

const members: Resource<Member> = {
  name: 'members',
  title: 'Members',
  about: 'Who may sign in to this organization, and as what.',
  columns: [
    {
      title: 'E-mail',
      shown: 'always',
      className: 'grow',
      cell: ({ email }) => <span className="strong">{email}</span>,
    },
    {
      title: 'Role',
      shown: 'always',
      cell: (member, slug) => (
        <span className="row">
          {member.role}
          {member.managedBy === 'tenant' && <ChangeRole member={member} slug={slug} />}
        </span>
      ),
    },
    {
      title: 'State',
      shown: 'wide',
      cell: ({ active }) => (active ? <Badge tone="good">active</Badge> : <Badge tone="bad">disabled</Badge>),
    },
    { title: 'Last sign-in', shown: 'always', cell: ({ lastLoginAt }) => <Ago at={lastLoginAt} /> },
    { title: 'Changed', shown: 'wide', cell: ({ managedBy }) => <Owned by={managedBy} /> },
  ],
  filters: [],
  load: ({ slug, signal }) => take(listMembers(slug, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ email }) => email,
  toolbar: slug => <Invite slug={slug} />,
  actions: [
    {
      label: 'Remove',
      right: 'administer',
      tone: 'danger',
      applies: ({ managedBy }) => managedBy === 'tenant',
      confirm: ({ email }) =>
        `${email} sees nothing of this organization from this moment on, and API keys that this member made are revoked.`,
      run: ({ id }, slug) => take(removeMember(slug, id, once())),
      done: () => 'Removed',
    },
  ],
  nothingYet: () => (
    <>
      <h2>No members</h2>
      <p>
        Nobody can sign in to this organization. Invite somebody, or declare members in the Organization’s{' '}
        <code>spec.members</code>.
      </p>
    </>
  ),
}

export const Page = () => (
  <>
    <ResourcePage resource={members} />
    <Invitations />
  </>
)
