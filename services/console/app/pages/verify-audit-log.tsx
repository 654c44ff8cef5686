import type { VerifiedAuditLog } from '@fairlead/client/gen/client'
import { useMutation } from '@tanstack/react-query'
import { Badge } from '../parts/badge.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import type { Right } from '../rights.ts'
import { useRight } from '../session.ts'

/** Reads the whole chain of entries, and says whether it is as it was written. */
export function VerifyAuditLog({
  slug,
  right,
  verify,
}: {
  readonly slug: string
  readonly right: Right
  readonly verify: () => Promise<VerifiedAuditLog>
}) {
  const { may, who } = useRight(right, slug)
  const mutation = useMutation({ mutationFn: verify })
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={!may || mutation.isPending}
        onClick={() => mutation.mutate()}
      >
        {mutation.isPending ? 'Reading it all …' : 'Verify the chain'}
        <Needs who={who} />
      </button>
      {mutation.isError && <ProblemNote error={mutation.error} />}
      {mutation.data && <Verdict verdict={mutation.data} />}
    </>
  )
}

function Verdict({ verdict: { intact, entries, end, faults } }: { readonly verdict: VerifiedAuditLog }) {
  return (
    <div className={`note ${intact ? 'good' : 'bad'}`} role="status">
      <p>
        <Badge tone={intact ? 'good' : 'bad'}>{intact ? 'intact' : 'broken'}</Badge>{' '}
        {entries.toLocaleString()} entries were read.
      </p>
      {faults.length > 0 && (
        <ul>
          {faults.map(({ kind, place, id }) => (
            <li key={`${kind} ${place}`}>
              Entry {place} {id && <code>{id}</code>}: {kind}
            </li>
          ))}
        </ul>
      )}
      <p className="row">
        <span className="muted">
          Its end is <code>{end}</code>. Note it elsewhere: then nobody can cut the log unseen.
        </span>
        <CopyButton text={end} label="Copy the end" />
      </p>
    </div>
  )
}
