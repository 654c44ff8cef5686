import { type ApiKey, listApiKeys, revokeApiKey } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { Owned } from '../parts/owned.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { NewApiKeyForm } from './new-api-key.tsx'
import { RotateApiKey } from './rotate-api-key.tsx'

const apiKeys: Resource<ApiKey> = {
  name: 'api-keys',
  title: 'API keys',
  about: 'Keys for programs. A key is shown once, when it is made.',
  columns: [
    {
      title: 'Name',
      shown: 'always',
      className: 'grow',
      cell: ({ name, prefix, mode }) => (
        <>
          <span className="strong">{name}</span> {mode === 'test' && <Badge tone="plain">test</Badge>}{' '}
          <code className="muted">{prefix}…</code>
        </>
      ),
    },
    {
      title: 'Role',
      shown: 'always',

      cell: ({ role, scopes }) => (
        <>
          {role} {scopes && <span className="muted">{scopes.join(', ')}</span>}
        </>
      ),
    },
    { title: 'Last used', shown: 'always', cell: ({ lastUsedAt }) => <Ago at={lastUsedAt} /> },
    {
      title: 'Expires',
      shown: 'wide',
      className: 'time',
      cell: ({ expiresAt }) => (expiresAt ? <Time at={expiresAt} /> : 'never'),
    },
    { title: 'Created', shown: 'wide', className: 'time', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { title: 'Changed', shown: 'roomy', cell: ({ managedBy }) => <Owned by={managedBy} /> },
  ],
  filters: [],
  toolbar: slug => <NewApiKeyForm slug={slug} />,
  load: ({ slug, signal }) => take(listApiKeys(slug, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ name }) => name,
  tools: (key, slug) =>
    key.managedBy === 'tenant' && (
      <span className="action">
        <RotateApiKey apiKey={key} slug={slug} />
      </span>
    ),
  actions: [
    {
      label: 'Revoke',
      right: 'administer',
      tone: 'danger',
      confirm: ({ name }) =>
        `Programs that use ${name} are refused from this moment on. This can’t be undone.`,
      run: ({ id }, slug) => take(revokeApiKey(slug, id, once())),
      done: () => 'Revoked',
    },
  ],
  nothingYet: () => (
    <>
      <h2>No API key yet</h2>
      <p>A key lets the command line or a program of yours use the API with a role of its own.</p>
    </>
  ),
}

export const Page = () => <ResourcePage resource={apiKeys} />
