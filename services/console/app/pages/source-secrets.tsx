import type { Source } from '@fairlead/client/gen/client'
import { EntryList } from '../settings/entries.tsx'
import { textAt, useDraft } from '../settings/field.tsx'
import { SecretField, TextField } from '../settings/fields.tsx'
import { Ago } from '../time.tsx'

/** Secrets can be written and replaced, never read. Two at a time are a rotation: both verify until the old one goes. */
export function SourceSecrets({ item }: { readonly item: Source | undefined }) {
  const { draft } = useDraft()
  const stored = item?.secrets ?? []
  return (
    <>
      {stored.length > 0 && (
        <p className="muted">
          To rotate without losing a webhook: add the new secret and save; give it to the provider; when the
          old one’s last match stands still, take it away and save.
        </p>
      )}
      <EntryList path="secrets" noun="Secret">
        {path => {
          const id = textAt(draft, `${path}.id`)
          const known = stored.find(secret => secret.id === id)
          return (
            <div className="fields">
              <TextField
                path={`${path}.id`}
                label="Name"
                placeholder="made for you"
                help="Names it here and in the log: 2026, say."
              />
              <SecretField path={`${path}.value`} label="Secret" stored={known !== undefined} />
              {known && (
                <p className="help">
                  {known.matched.toLocaleString()} events verified with it; the last{' '}
                  <Ago at={known.lastMatchedAt} />
                </p>
              )}
            </div>
          )
        }}
      </EntryList>
    </>
  )
}
