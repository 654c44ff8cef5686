import { type ApiKey, rotateApiKey } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { FormDialog, SelectField } from '../parts/form-dialog.tsx'
import { useRight } from '../session.ts'
import { ShownOnce } from './shown-once.tsx'

const overlaps = { 'an hour': 3_600, 'a day': 86_400, 'a week': 604_800, 'not at all: it leaked': 0 } as const

/** Gives a key a new text; the one of before stays good for a while. */
export function RotateApiKey({ apiKey, slug }: { readonly apiKey: ApiKey; readonly slug: string }) {
  return (
    <FormDialog
      label="Rotate …"
      permission={useRight('administer', slug)}
      title={`Give ${apiKey.name} a new text`}
      submit="Rotate the key"
      leave="Leave as it is"
      queryKey={['api-keys']}
      run={form => {
        const overlapSeconds = Number(form.get('overlap'))
        return take(rotateApiKey(slug, apiKey.id, { overlapSeconds }, once()))
      }}
      result={({ key }) => <ShownOnce text={key} />}
    >
      <SelectField
        name="overlap"
        label="The text of before stays good for"
        choices={overlaps}
        initial={overlaps['a day']}
      />
    </FormDialog>
  )
}
