import { beginImpersonation, type Member } from '@fairlead/client/gen/client'
import { useNavigate } from '@tanstack/react-router'
import { take } from '../call.ts'
import { FormDialog } from '../parts/form-dialog.tsx'
import { useMe, useRight } from '../session.ts'

/** Lets staff see an organization as a member does, with a reason that the organization can read. */
export function LookAs({ member, slug }: { readonly member: Member; readonly slug: string }) {
  const staff = useRight('platform-read', slug)
  const { data: me } = useMe()
  const navigate = useNavigate()
  const isPerson = me?.kind === 'person'
  return (
    <FormDialog
      label={`Look as ${member.email} …`}
      permission={staff.may && !isPerson ? { may: false, who: 'for people who are signed in' } : staff}
      title={`Look at ${slug} as a member does`}
      submit="Begin"
      run={form =>
        take(
          beginImpersonation({
            organization: slug,
            email: member.email,
            reason: String(form.get('reason')),
            minutes: Number(form.get('minutes')),
          }),
        )
      }
      done={() => void navigate({ to: `/organizations/${slug}` as never })}
    >
      <label>
        Reason, which the organization reads in its audit log{' '}
        <input name="reason" required maxLength={200} autoComplete="off" />
      </label>
      <label>
        Minutes <input name="minutes" type="number" min={1} max={30} defaultValue={15} />
      </label>
      <p className="muted">You see what {member.email} sees, and can change nothing.</p>
    </FormDialog>
  )
}
