import { CreateInvitationBodyRole, createInvitation } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { FormDialog, SelectField } from '../parts/form-dialog.tsx'
import { useRight } from '../session.ts'

/** Invites an address by mail. */
export function Invite({ slug }: { readonly slug: string }) {
  return (
    <FormDialog
      label="Invite …"
      permission={useRight('administer', slug)}
      title="Invite somebody"
      submit="Send the invitation"
      queryKey={['invitations']}
      run={form => {
        const role = form.get('role') as CreateInvitationBodyRole
        return take(createInvitation(slug, { email: String(form.get('email')), role }, once()))
      }}
    >
      <label>
        E-mail address <input name="email" type="email" required maxLength={320} autoComplete="off" />
      </label>
      <SelectField name="role" label="Role" choices={CreateInvitationBodyRole} initial="viewer" />
      <p className="muted">
        A mail brings a link, good for 7 days, for whoever signs in as this address. An open invitation of the
        same address is replaced.
      </p>
    </FormDialog>
  )
}
