import type { Destination } from '@fairlead/client/gen/client'
import { AddEntry, EntryList, entriesAt } from '../settings/entries.tsx'
import { useDraft } from '../settings/field.tsx'
import { ChoiceField, LinesField, SecretField, TextField } from '../settings/fields.tsx'

const kinds = { basic: 'Basic', bearer: 'Bearer token', oauth2: 'OAuth 2.0', mtls: 'client certificate' }
const entries = {
  basic: { basic: { username: '' } },
  bearer: { bearer: {} },
  oauth2: { oauth2: { tokenUrl: '', clientId: '' } },
  mtls: { mtls: {} },
}

/** What the address asks for to let a delivery in; several go together. */
export function DestinationCredentials({ item }: { readonly item: Destination | undefined }) {
  const { draft } = useDraft()
  const auth = entriesAt(draft, 'auth')
  // Left out, a secret stays as it is stored in the entry of the same kind.
  const stored = new Set(entriesAt(item?.settings ?? {}, 'auth').flatMap(entry => Object.keys(entry)))
  return (
    <>
      <h2>Credentials</h2>
      <EntryList path="auth" noun="Credential">
        {(path, index) => {
          const entry = auth[index] ?? {}
          return (
            <Credential
              path={path}
              entry={entry}
              isStored={Object.keys(entry).some(kind => stored.has(kind))}
            />
          )
        }}
      </EntryList>
      <div className="row">
        {Object.entries(kinds).map(([kind, label]) => (
          <AddEntry
            key={kind}
            path="auth"
            label={`Add ${label}`}
            entry={entries[kind as keyof typeof entries]}
          />
        ))}
      </div>
    </>
  )
}

function Credential({
  path,
  entry,
  isStored,
}: {
  readonly path: string
  readonly entry: Readonly<Record<string, unknown>>
  readonly isStored: boolean
}) {
  if ('basic' in entry) {
    return (
      <div className="fields">
        <TextField path={`${path}.basic.username`} label="User name" />
        <SecretField path={`${path}.basic.password`} label="Password" stored={isStored} />
      </div>
    )
  }
  if ('bearer' in entry) {
    return <SecretField path={`${path}.bearer.token`} label="Bearer token" stored={isStored} />
  }
  if ('oauth2' in entry) {
    return (
      <div className="fields">
        <TextField
          path={`${path}.oauth2.tokenUrl`}
          label="Token address"
          placeholder="https://login.example.com/oauth/token"
        />
        <TextField path={`${path}.oauth2.clientId`} label="Client id" />
        <SecretField path={`${path}.oauth2.clientSecret`} label="Client secret" stored={isStored} />
        <LinesField path={`${path}.oauth2.scopes`} label="Scopes, one on each line" />
        <TextField path={`${path}.oauth2.audience`} label="Audience" />
        <ChoiceField
          path={`${path}.oauth2.credentialsIn`}
          label="The client says who it is in"
          choices={{ '': 'header', body: 'body' }}
        />
      </div>
    )
  }
  return (
    <div className="fields">
      <SecretField path={`${path}.mtls.certificate`} label="Certificate, PEM" stored={isStored} lines />
      <SecretField path={`${path}.mtls.key`} label="Private key, PEM" stored={isStored} lines />
    </div>
  )
}
