import { ChangeMemberRoleBodyRole, changeMemberRole, type Member } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { FormDialog, SelectField } from '../parts/form-dialog.tsx'
import { useRight } from '../session.ts'

/** Gives a member another role. The API says no to a role above one's own, and to taking the last owner away. */
export function ChangeRole({ member, slug }: { readonly member: Member; readonly slug: string }) {
  return (
    <FormDialog
      label="Change role …"
      permission={useRight('administer', slug)}
      title={`Change the role of ${member.email}`}
      submit="Change the role"
      leave="Leave as it is"
      run={form => {
        const role = form.get('role') as ChangeMemberRoleBodyRole
        // It may be the caller's own role: everything that is shown is asked for again.
        return take(changeMemberRole(slug, member.id, { role }, once()))
      }}
    >
      <SelectField name="role" label="Role" choices={ChangeMemberRoleBodyRole} initial={member.role} />
      <p className="muted">It counts with the member’s next request.</p>
    </FormDialog>
  )
}
