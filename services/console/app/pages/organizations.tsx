import { listOrganizations, type Organization } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Time } from '../time.tsx'

/** What a line says of an organization, to members and to staff. */
export const organizationColumns: Resource<Organization>['columns'] = [
  {
    title: 'Name',
    shown: 'always',
    className: 'grow',
    cell: ({ displayName, slug }) => (
      <>
        <span className="strong">{displayName}</span> <span className="muted">{slug}</span>
      </>
    ),
  },
  {
    title: 'State',
    shown: 'always',
    cell: ({ active, quotaExceeded }) =>
      !active ? (
        <Badge tone="bad">inactive</Badge>
      ) : quotaExceeded ? (
        <Badge tone="warn">over quota</Badge>
      ) : (
        <Badge tone="good">active</Badge>
      ),
  },
  { title: 'Plan', shown: 'wide', cell: ({ plan }) => plan },
  {
    title: 'This month',
    shown: 'wide',
    cell: ({ acceptedThisMonth, webhookLimit }) =>
      `${acceptedThisMonth.toLocaleString()}${webhookLimit === null ? '' : ` of ${webhookLimit.toLocaleString()}`}`,
  },
  { title: 'Declared by', shown: 'wide', cell: ({ owner }) => owner.kind },
  { title: 'Created', shown: 'wide', className: 'time', cell: ({ createdAt }) => <Time at={createdAt} /> },
]

/** What the API finds organizations by. */
export const organizationFilters: Resource<Organization>['filters'] = [
  { kind: 'search', name: 'q', label: 'Search', placeholder: 'slug or name' },
  { kind: 'choice', name: 'state', label: 'State', choices: ['active', 'inactive', 'over_quota'] },
  { kind: 'text', name: 'plan', label: 'Plan', placeholder: 'pro' },
  { kind: 'text', name: 'provider', label: 'Provider', placeholder: 'stripe' },
  { kind: 'time', name: 'createdAfter', label: 'Created after' },
  { kind: 'time', name: 'createdBefore', label: 'Created before' },
]

const organizations: Resource<Organization> = {
  name: 'organizations',
  title: 'Organizations',
  about: 'Those that you may see. Choose one.',
  columns: organizationColumns,
  filters: [],
  load: ({ cursor, signal }) =>
    take(listOrganizations({ limit: 100, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ displayName }) => displayName,
  pathOf: ({ slug }) => `/organizations/${slug}`,
  nothingYet: () => (
    <>
      <h2>No organization yet</h2>
      <p>
        An Organization is declared in Kubernetes, or in a file below <code>k8s/samples</code> under{' '}
        <code>npm start</code>. If you were invited, accept the invitation with the address that it was sent
        to.
      </p>
    </>
  ),
}

export const Organizations = () => <ResourcePage resource={organizations} />
