import {
  listMembers,
  listOrganizations,
  listSources,
  type Organization,
  updateOrganization,
} from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { once, take } from '../call.ts'
import { ProblemNote } from '../parts/problem.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { ifMatch } from '../settings/settings-kind.ts'
import { Ago } from '../time.tsx'
import { LookAs } from './look-as.tsx'
import { NewOrganizationButton } from './new-organization-button.tsx'
import { organizationColumns, organizationFilters } from './organizations.tsx'

const setActive = ({ slug, etag }: Organization, active: boolean) =>
  take(updateOrganization(slug, { active }, {}, { ...once(), ...ifMatch(etag) }))

const platformOrganizations: Resource<Organization> = {
  name: 'platform-organizations',
  title: 'Organizations of the platform',
  about: 'All tenants: open one for its members and sources. No secret is shown to anybody.',
  columns: organizationColumns,
  filters: organizationFilters,
  load: ({ filters, cursor, signal }) =>
    take(listOrganizations({ ...filters, limit: 100, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ displayName }) => displayName,
  toolbar: () => <NewOrganizationButton />,
  details: ({ slug }) => <Inline slug={slug} />,
  editOf: ({ slug }) => `/organizations/${slug}/settings`,
  actions: [
    {
      label: 'Deactivate',
      right: 'platform',
      tone: 'danger',
      applies: ({ active, owner }) => active && owner.kind === 'api',
      confirm: ({ displayName }) =>
        `Webhooks to ${displayName} are refused with 403 within a second. What was accepted is still delivered.`,
      run: organization => setActive(organization, false),
      done: () => 'Deactivated',
    },
    {
      label: 'Activate',
      right: 'platform',
      applies: ({ active, owner }) => !active && owner.kind === 'api',
      run: organization => setActive(organization, true),
      done: () => 'Active',
    },
  ],
  nothingYet: () => (
    <>
      <h2>No organization yet</h2>
      <p>An Organization is declared in Kubernetes or in a file, or made here.</p>
      <NewOrganizationButton />
    </>
  ),
}

/** Who belongs to an organization, and what comes in there. */
function Inline({ slug }: { readonly slug: string }) {
  const members = useQuery({
    queryKey: ['members', slug, {}],
    queryFn: ({ signal }) => take(listMembers(slug, { signal })),
  })
  const sources = useQuery({
    queryKey: ['sources', slug, {}],
    queryFn: ({ signal }) => take(listSources(slug, { signal })),
  })
  const failed = members.error ?? sources.error
  if (failed) return <ProblemNote error={failed} />
  return (
    <>
      <h3>Members</h3>
      {members.data?.items.length === 0 && <p className="muted">None.</p>}
      <ul className="plain-list">
        {members.data?.items.map(member => (
          <li key={member.id} className="row">
            <span className="strong">{member.email}</span> {member.role}
            <span className="muted">
              signed in <Ago at={member.lastLoginAt} />
            </span>
            <LookAs member={member} slug={slug} />
          </li>
        ))}
      </ul>
      <h3>Sources</h3>
      <p>{sources.data?.items.map(({ name, provider }) => `${name} (${provider})`).join(', ') || 'None.'}</p>
      <p className="row">
        <Link to={`/organizations/${slug}` as never}>Its overview</Link>
        <Link to={`/organizations/${slug}/members` as never}>Its members</Link>
        <Link to={`/organizations/${slug}/usage` as never}>Its usage</Link>
        <Link to={`/organizations/${slug}/dead-letters` as never}>Its dead letters</Link>
      </p>
    </>
  )
}

export const Page = () => <ResourcePage resource={platformOrganizations} />
