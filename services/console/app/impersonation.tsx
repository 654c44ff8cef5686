import { endImpersonation } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { take } from './call.ts'
import { ProblemNote } from './parts/problem.tsx'
import { useMe } from './session.ts'
import { Time } from './time.tsx'

/** Stands above every page while staff looks as a member does, and ends it. */
export function ImpersonationBanner() {
  const { data: me } = useMe()
  const queries = useQueryClient()
  const end = useMutation({
    mutationFn: () => take(endImpersonation()),
    onSuccess: () => queries.invalidateQueries(),
  })
  if (!me?.impersonation) return null
  const { organization, email, role, reason, endsAt } = me.impersonation
  return (
    <div className="banner" role="status">
      <p>
        <strong>
          You look at {organization} as {email} ({role}).
        </strong>{' '}
        Nothing can be changed. Reason: {reason}. It ends <Time at={endsAt} />.
      </p>
      <button type="button" className="button small" disabled={end.isPending} onClick={() => end.mutate()}>
        End it now
      </button>
      {end.isError && <ProblemNote error={end.error} />}
    </div>
  )
}
