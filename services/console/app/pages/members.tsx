import { listMembers, type Member } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { Owned } from '../parts/owned.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago } from '../time.tsx'

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
    { title: 'Role', shown: 'always', cell: ({ role }) => role },
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
  nothingYet: () => (
    <>
      <h2>No members</h2>
      <p>
        Nobody can sign in to this organization. Declare members in the Organization’s{' '}
        <code>spec.members</code>.
      </p>
    </>
  ),
}

export const Page = () => <ResourcePage resource={members} />
