import { listDestinations, listSources } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { take } from '../call.ts'
import { Field, textAt, useDraft } from '../settings/field.tsx'
import { ChoicesField, LinesField, NumberField, TextField } from '../settings/fields.tsx'
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
  const { draft, set } = useDraft()
  return (
    <Field path="source" label="Source">
      {attributes => (
        <input
          {...attributes}
          list="sources"
          value={textAt(draft, 'source')}
          placeholder="stripe, or * for all"
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => set('source', target.value)}
        />
      )}
    </Field>
  )
}

function Destinations({ slug }: { readonly slug: string }) {
  const { draft } = useDraft()
  const { data } = useQuery({
    queryKey: ['destinations', slug, {}],
    queryFn: ({ signal }) => take(listDestinations(slug, { signal })),
  })
  const chosen = Array.isArray(draft.destinations) ? (draft.destinations as string[]) : []
  const known = new Set(data?.items.map(({ name }) => name))
  const choices = [...known.union(new Set(chosen))].map(
    name =>
      [
        name,
        <span key={name}>
          {name} {data && !known.has(name) && <span className="fault">is not there</span>}
        </span>,
      ] as const,
  )
  return (
    <ChoicesField path="destinations" label="Destinations" choices={choices}>
      {data && known.size === 0 && <p className="muted">There is none yet: make a destination first.</p>}
    </ChoicesField>
  )
}
