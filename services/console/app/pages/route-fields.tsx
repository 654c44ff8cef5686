import { listDestinations, listSources } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { take } from '../call.ts'
import { LinesField, NumberField, TextField, useDraft } from '../settings/fields.tsx'
import { RoutePreviewNote } from './route-preview.tsx'

/** Which events go where. */
export function RouteFields({ slug }: { readonly slug: string }) {
  const sources = useQuery({
    queryKey: ['sources', slug, {}],
    queryFn: ({ signal }) => take(listSources(slug, { signal })),
  })
  return (
    <>
      <datalist id="sources">
        <option value="*">every source</option>
        {sources.data?.items.map(({ id, name }) => (
          <option key={id} value={name} />
        ))}
      </datalist>
      <div className="fields">
        <SourceField />
        <LinesField
          path="eventTypes"
          label="Types, one on each line"
          placeholder={'invoice.*\ncharge.failed'}
          help="As the provider names them; * stands for any run of characters. None: all."
        />
      </div>
      <RoutePreviewNote slug={slug} />
      <Destinations slug={slug} />
      <details>
        <summary>Order</summary>
        <p className="muted">
          Deliveries to one destination with the same key go one after the other. An event without the key is
          in no order.
        </p>
        <div className="fields">
          <TextField
            path="order.key.pointer"
            label="Key: JSON pointer into the body"
            placeholder="/data/object/customer"
          />
          <TextField path="order.key.header" label="Or key: name of a header" placeholder="x-customer" />
          <NumberField
            path="order.maxWaitSeconds"
            label="Waits for the one before, seconds at most"
            min={1}
            max={86_400}
            placeholder="300"
          />
        </div>
      </details>
    </>
  )
}

function SourceField() {
  const { draft, set, faults, disabled } = useDraft()
  const fault = faults.get('source')
  return (
    <div className="setting">
      <label htmlFor="source">Source</label>
      <input
        id="source"
        list="sources"
        value={String(draft.source ?? '')}
        placeholder="stripe, or * for all"
        disabled={disabled}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={fault !== undefined}
        onChange={({ target }) => set('source', target.value)}
      />
      {fault && <p className="fault">{fault}</p>}
    </div>
  )
}

function Destinations({ slug }: { readonly slug: string }) {
  const { draft, set, faults, disabled } = useDraft()
  const { data } = useQuery({
    queryKey: ['destinations', slug, {}],
    queryFn: ({ signal }) => take(listDestinations(slug, { signal })),
  })
  const chosen = Array.isArray(draft.destinations) ? (draft.destinations as string[]) : []
  const known = data?.items.map(({ name }) => name) ?? []
  const toggle = (name: string) => {
    const next = chosen.includes(name) ? chosen.filter(each => each !== name) : [...chosen, name]
    set('destinations', next.length === 0 ? undefined : next)
  }
  const fault = [...faults].find(([name]) => name.startsWith('destinations'))?.[1]
  return (
    <fieldset className="entry">
      <legend>Destinations</legend>
      {data && known.length === 0 && <p className="muted">There is none yet: make a destination first.</p>}
      {[...new Set([...known, ...chosen])].map(name => (
        <label key={name} className="choice">
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            disabled={disabled}
            onChange={() => toggle(name)}
          />
          {name}
          {data && !known.includes(name) && <span className="fault"> is not there</span>}
        </label>
      ))}
      {fault && <p className="fault">{fault}</p>}
    </fieldset>
  )
}
