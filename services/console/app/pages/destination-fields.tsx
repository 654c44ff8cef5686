import type { Destination } from '@fairlead/client/gen/client'
import { AddEntry, EntryList, entriesAt } from '../settings/entries.tsx'
import { Field, textAt, useDraft } from '../settings/field.tsx'
import {
  CheckField,
  ChoiceField,
  LinesField,
  NumberField,
  RateLimitFields,
  SecretField,
  TextField,
} from '../settings/fields.tsx'
import { DestinationCredentials } from './destination-credentials.tsx'

/** All that is declared of a destination. */
export function DestinationFields({ item }: { readonly item: Destination | undefined }) {
  const { draft } = useDraft()
  const kind = kindOf(draft)
  return (
    <>
      <div className="fields">
        <TextField
          path="name"
          label="Name"
          required
          locked={item !== undefined}
          placeholder="billing"
          help="How routes and the log call it: small letters, digits and hyphens."
        />
        <KindField kind={kind} />
        {kind === 'url' && (
          <>
            <TextField
              path="url"
              label="Address"
              placeholder="https://example.com/webhooks"
              help="Events are posted to it, signed. Private networks are refused, unless the platform allows them."
            />
            <CheckField path="allowInsecureHttp" label="Allow http://" help="Events then travel readable." />
          </>
        )}
        {kind === 'processor' && (
          <ChoiceField path="processor.name" label="Processor" choices={{ tally: 'tally: counts events' }} />
        )}
      </div>
      {kind === 'url' && <OfHttp item={item} />}
      <details>
        <summary>Limits, retries, pause</summary>
        <Limits />
      </details>
    </>
  )
}

type Kind = 'url' | 'nats' | 'processor'

const kindOf = (draft: object): Kind =>
  'nats' in draft ? 'nats' : 'processor' in draft ? 'processor' : 'url'

function KindField({ kind }: { readonly kind: Kind }) {
  const { draft, set } = useDraft()
  const choose = (next: Kind) => {
    for (const each of ['url', 'nats', 'processor'] as const) {
      if (each !== next && each in draft) set(each, undefined)
    }
    if (next === 'nats') set('nats', {})
    if (next === 'processor') set('processor', { name: 'tally' })
  }
  return (
    <Field path="kind" label="Kind">
      {attributes => (
        <select {...attributes} value={kind} onChange={({ target }) => choose(target.value as Kind)}>
          <option value="url">An HTTP address</option>
          <option value="nats">The stream OUTBOUND in the cluster</option>
          <option value="processor">A built-in processor</option>
        </select>
      )}
    </Field>
  )
}

/** What only an HTTP address has: credentials and headers. */
function OfHttp({ item }: { readonly item: Destination | undefined }) {
  const { draft } = useDraft()
  const stored = new Set(item?.headerNames.map(name => name.toLowerCase()))
  return (
    <>
      <DestinationCredentials item={item} />
      <h2>Headers</h2>
      <EntryList path="headers" noun="Header">
        {path => (
          <div className="fields">
            <TextField path={`${path}.name`} label="Name" placeholder="x-api-key" />
            <SecretField
              path={`${path}.value`}
              label="Value (secret)"
              stored={stored.has(textAt(draft, `${path}.name`).toLowerCase())}
            />
          </div>
        )}
      </EntryList>
      <div className="row">
        <AddEntry path="headers" label="Add a header" entry={{}} />
        {entriesAt(draft, 'headers').length === 0 && (
          <span className="muted">None. Values are secret: written, never shown.</span>
        )}
      </div>
      <CheckField
        path="forwardCredentials"
        label="Forward the source’s credential"
        help="It also gets the shared token, Basic credentials or JWT by which a source is verified. Whoever has it can forge webhooks of that source."
      />
    </>
  )
}

const presets = {
  '': 'default',
  'standard-webhooks': 'as Standard Webhooks says',
  none: 'none: one attempt',
}

function Limits() {
  return (
    <div className="fields">
      <NumberField path="timeoutSeconds" label="Time-out, seconds" min={1} max={60} placeholder="15" />
      <NumberField
        path="concurrency"
        label="Requests at one time"
        min={1}
        max={100}
        placeholder="10 to 64, by how fast it answers"
      />
      <RateLimitFields />
      <ChoiceField path="retry.preset" label="Retries" choices={presets} />
      <LinesField
        path="retry.delaysSeconds"
        label="Or your own delays, seconds, one on each line"
        numbers
        placeholder={'5\n60\n3600'}
      />
      <CheckField path="paused" label="Paused" help="Nothing is sent, deliveries wait." />
      <CheckField
        path="active"
        label="Active"
        byDefault
        help="Not active: events are no longer delivered to it, and none wait."
      />
    </div>
  )
}
