import {
  type CreateApiKeyBody,
  CreateApiKeyBodyMode,
  CreateApiKeyBodyRole,
  CreateApiKeyBodyScopesItem,
  createApiKey,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { FormDialog, SelectField } from '../parts/form-dialog.tsx'
import { useRight } from '../session.ts'
import { ShownOnce } from './shown-once.tsx'

const lifetimes = { never: 0, '30 days': 30, '90 days': 90, 'a year': 365 } as const

/** Makes a key and shows its text, this once. */
export function NewApiKeyForm({ slug }: { readonly slug: string }) {
  return (
    <FormDialog
      label="New API key …"
      permission={useRight('administer', slug)}
      title="New API key"
      submit="Make the key"
      queryKey={['api-keys']}
      run={form => take(createApiKey(slug, wantedIn(form, Date.now()), once()))}
      result={({ key }) => <ShownOnce text={key} />}
    >
      <label>
        Name <input name="name" required maxLength={100} autoComplete="off" />
      </label>
      <SelectField name="role" label="Role" choices={CreateApiKeyBodyRole} initial="viewer" />
      <SelectField name="mode" label="Data" choices={modes} />
      <SelectField name="days" label="Expires after" choices={lifetimes} initial={lifetimes['90 days']} />
      <Scopes />
    </FormDialog>
  )
}

const modes = {
  'live data': CreateApiKeyBodyMode.live,
  'test data alone': CreateApiKeyBodyMode.test,
} as const

/** What of its role a key may do. */
function Scopes() {
  return (
    <details>
      <summary>Less than its role: choose scopes</summary>
      <fieldset className="entry scopes">
        <legend>None chosen: all that its role may do</legend>
        {Object.values(CreateApiKeyBodyScopesItem).map(scope => (
          <label key={scope} className="choice">
            <input type="checkbox" name="scopes" value={scope} />
            <code>{scope}</code>
          </label>
        ))}
      </fieldset>
    </details>
  )
}

function wantedIn(form: FormData, nowMs: number): CreateApiKeyBody {
  const days = Number(form.get('days'))
  const scopes = form.getAll('scopes') as CreateApiKeyBodyScopesItem[]
  return {
    name: String(form.get('name')),
    role: form.get('role') as CreateApiKeyBodyRole,
    mode: form.get('mode') as CreateApiKeyBodyMode,
    ...(scopes.length > 0 && { scopes }),
    ...(days > 0 && { expiresAt: new Date(nowMs + days * 86_400_000).toISOString() }),
  }
}
