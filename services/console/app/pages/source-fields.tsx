import type { Source } from '@fairlead/client/gen/client'
import { useEffect, useState } from 'react'
import { CopyButton } from '../parts/copy.tsx'
import { AddEntry } from '../settings/entries.tsx'
import { Field, textAt, useDraft } from '../settings/field.tsx'
import { CheckField, ChoiceField, NumberField, RateLimitFields, TextField } from '../settings/fields.tsx'
import { providerOf, providers } from '../simulator/provider.ts'
import { SetupHelp } from './setup-help.tsx'
import { SourceSecrets } from './source-secrets.tsx'

/** All that is declared of a source. */
export function SourceFields({ slug, item }: { readonly slug: string; readonly item: Source | undefined }) {
  const { draft } = useDraft()
  const provider = textAt(draft, 'provider')
  return (
    <>
      <div className="fields">
        <ProviderField isNew={item === undefined} />
        <TextField
          path="name"
          label="Name"
          required
          locked={item !== undefined}
          placeholder="stripe"
          help="Part of the address, so it stays: small letters, digits and hyphens."
        />
      </div>
      <Address slug={slug} name={textAt(draft, 'name')} />
      {provider !== '' && provider !== 'custom' && <SetupHelp provider={provider} />}
      <h2>Secrets</h2>
      <SourceSecrets item={item} />
      <div className="row">
        <AddEntry
          path="secrets"
          label={item && item.secrets.length > 0 ? 'Add the new secret' : 'Add a secret'}
          entry={{}}
        />
      </div>
      <ProviderOptions provider={provider} />
      {provider === 'custom' && <SchemeField />}
      <details>
        <summary>Limits, repeats, tolerance</summary>
        <div className="fields">
          <NumberField
            path="toleranceSeconds"
            label="Tolerance of signed times, seconds"
            min={0}
            max={86_400}
            placeholder="the provider’s own"
          />
          <RateLimitFields />
          <ChoiceField
            path="mode"
            label="Mode"
            choices={{ live: 'live', test: 'test' }}
            help="Test data is kept apart: keys for tests see it alone."
          />
          <CheckField
            path="deduplicate"
            label="Swallow repeats"
            byDefault
            help="A repeated delivery of one event is answered with the first id, and goes no further."
          />
          <CheckField
            path="active"
            label="Active"
            byDefault
            help="Not active: requests are refused, as from an unknown source."
          />
        </div>
      </details>
    </>
  )
}

function ProviderField({ isNew }: { readonly isNew: boolean }) {
  const { draft, set } = useDraft()
  const choose = (name: string) => {
    const before = textAt(draft, 'provider')
    set('provider', name)
    if (isNew && ['', before].includes(textAt(draft, 'name'))) set('name', name)
  }
  return (
    <Field path="provider" label="Provider">
      {attributes => (
        <select
          {...attributes}
          value={textAt(draft, 'provider')}
          onChange={({ target }) => choose(target.value)}
        >
          <option value="">Choose who sends …</option>
          {providers.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
          <option value="custom">Another: describe its signature</option>
        </select>
      )}
    </Field>
  )
}

function Address({ slug, name }: { readonly slug: string; readonly name: string }) {
  if (name === '') return null
  const path = `/webhooks/${slug}/${name}`
  return (
    <p className="note">
      Give the provider this address, with your receiver’s host before it: <code>{path}</code>{' '}
      <CopyButton text={path} label="Copy path" />
    </p>
  )
}

/** What a provider needs beside the secret. */
function ProviderOptions({ provider }: { readonly provider: string }) {
  const options = providerOf(provider)?.options ?? []
  return (
    <div className="fields">
      {options.map(option =>
        option.text.startsWith('true: ') ? (
          <CheckField
            key={option.name}
            path={`options.${option.name}`}
            label={option.name}
            help={option.text.slice(6)}
          />
        ) : (
          <TextField
            key={option.name}
            path={`options.${option.name}`}
            label={option.required ? `${option.name} (required)` : option.name}
            help={option.text}
          />
        ),
      )}
      <TextField
        path="options.publicUrl"
        label="publicUrl"
        placeholder="https://hooks.example.com/webhooks/…"
        help="Only where a provider signs the address and a proxy changes it."
      />
    </div>
  )
}

/** The signature scheme of a provider that Fairlead doesn't know, as text of its own form. */
function SchemeField() {
  const { draft, set, faults, disabled } = useDraft()
  const [typed, setTyped] = useState(() => JSON.stringify(draft.scheme ?? exampleScheme, null, 2))
  const [fault, setFault] = useState('')
  useEffect(() => {
    if (draft.scheme === undefined) set('scheme', exampleScheme)
  })
  const change = (text: string) => {
    setTyped(text)
    try {
      set('scheme', JSON.parse(text))
      setFault('')
    } catch (error) {
      setFault(`Not JSON yet: ${(error as Error).message}`)
    }
  }
  const refused = [...faults].find(([name]) => name.startsWith('scheme'))
  return (
    <div className="setting">
      <label htmlFor="scheme">Scheme: where the signature is, how it is made, over what</label>
      <textarea
        id="scheme"
        rows={12}
        className="payload"
        spellCheck={false}
        disabled={disabled}
        value={typed}
        aria-invalid={fault !== '' || refused !== undefined}
        onChange={({ target }) => change(target.value)}
      />
      {(fault || refused) && <p className="fault">{fault || `${refused?.[0]}: ${refused?.[1]}`}</p>}
    </div>
  )
}

const exampleScheme = {
  header: 'x-signature',
  algorithm: 'hmac-sha256',
  encoding: 'hex',
  content: ['{body}'],
}
