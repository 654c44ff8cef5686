import { type Issue, type PlannedRetry, retryIssue } from '@fairlead/client/gen/client'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'

/** Plans a retry of the deliveries that died of an issue; its page shows what it would do, and starts it. */
export function RetryIssue({ issue, slug }: { readonly issue: Pick<Issue, 'id'>; readonly slug: string }) {
  return (
    <PlanRetry
      slug={slug}
      label="Retry what died of it …"
      plan={() => take(retryIssue(slug, issue.id, { dryRun: true }, once()))}
    />
  )
}

/** The button of a bulk retry: nothing is sent before the plan has been seen. */
export function PlanRetry({
  slug,
  label,
  plan,
}: {
  readonly slug: string
  readonly label: string
  readonly plan: () => Promise<PlannedRetry>
}) {
  const { may, who } = useRight('operate', slug)
  const navigate = useNavigate()
  const mutation = useMutation({
    mutationFn: plan,
    onSuccess: ({ id }) => void navigate({ to: `/organizations/${slug}/retries/${id}` as never }),
  })
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={!may || mutation.isPending}
        data-key="r"
        onClick={() => mutation.mutate()}
      >
        {mutation.isPending ? 'Planning …' : label}
        <Needs who={who} />
      </button>
      {mutation.isError && <ProblemNote error={mutation.error} />}
    </>
  )
}
