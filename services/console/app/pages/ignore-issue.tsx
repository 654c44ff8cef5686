import { type Issue, ignoreIssue } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { FormDialog, SelectField } from '../parts/form-dialog.tsx'
import { useRight } from '../session.ts'

const untils = {
  'an hour': 3_600_000,
  'a day': 86_400_000,
  'a week': 604_800_000,
  'for good': 0,
} as const

/** Ignores an issue for a time, or for so many failures more. Its dead letters stay counted. */
export function IgnoreIssue({ issue, slug }: { readonly issue: Pick<Issue, 'id'>; readonly slug: string }) {
  return (
    <FormDialog
      label="Ignore …"
      letter="i"
      permission={useRight('operate', slug)}
      title="Ignore this issue"
      submit="Ignore"
      leave="Leave as it is"
      run={form => {
        const ms = Number(form.get('ms'))
        const failures = Number(form.get('failures'))
        const until = {
          ...(ms > 0 && { until: new Date(Date.now() + ms).toISOString() }),
          ...(failures > 0 && { failures }),
        }
        return take(ignoreIssue(slug, issue.id, until, once()))
      }}
    >
      <SelectField name="ms" label="For" choices={untils} initial={untils['a day']} />
      <label>
        Or until so many failures more <input name="failures" type="number" min={1} />
      </label>
      <p className="muted">It is told nowhere meanwhile. Its dead letters stay counted and listed.</p>
    </FormDialog>
  )
}
