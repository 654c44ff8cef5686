import { createRetry, getPlatformHealth } from '@fairlead/client/gen/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { readTime } from '../read-time.ts'
import type { Search } from '../search-params.ts'
import { useRight } from '../session.ts'
import { type PlanPlace, plansIn, plansText } from './platform-plans.ts'
import { PlannedRetries } from './platform-retries.tsx'

/** Dead letters of all organizations, and a retry of several at once: planned first, with a place of its own. */
export function Page() {
  const search: Search = useSearch({ strict: false })
  const plans = plansIn(search.plans)
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>Dead letters of the platform</h1>
          <p className="muted">
            Choose organizations, and a bulk retry is planned in each. Nothing is sent before the plans have
            been seen and started.
          </p>
        </div>
      </header>
      {plans.length > 0 ? <PlannedRetries plans={plans} /> : <Choose />}
      {plans.length > 0 && (
        <p>
          <Link to="." search={{} as never}>
            Plan others
          </Link>
        </p>
      )}
    </section>
  )
}

/** Whose dead letters are tried again. */
function Choose() {
  const query = useQuery({
    queryKey: ['platform-health'],
    queryFn: ({ signal }) => take(getPlatformHealth({ signal })),
  })
  if (query.isPending) return <p className="muted">Loading …</p>
  if (query.isError) return <ProblemNote error={query.error} again={() => void query.refetch()} />
  const withDead = query.data.troubled.filter(({ deadLetters }) => deadLetters > 0)
  if (withDead.length === 0) {
    return (
      <div className="empty">
        <h2>No dead letters</h2>
        <p>No delivery of any organization has used up its attempts.</p>
      </div>
    )
  }
  return <Choice organizations={withDead} />
}

interface DeadOf {
  readonly slug: string
  readonly displayName: string
  readonly deadLetters: number
}

function Choice({ organizations }: { readonly organizations: readonly DeadOf[] }) {
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const [typed, setTyped] = useState('')
  const { may, who } = useRight('platform', '')
  const navigate = useNavigate()
  const now = new Date()
  const isWrong = typed !== '' && !readTime(typed, now)
  const planning = useMutation({
    mutationFn: () => plan([...chosen], typed, now),
    onSuccess: plans => void navigate({ to: '.', search: { plans: plansText(plans) } as never }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isWrong) planning.mutate()
  }
  const toggle = (slug: string) => {
    const next = new Set(chosen)
    if (!next.delete(slug)) next.add(slug)
    choose(next)
  }
  return (
    <form className="form settings" onSubmit={submit}>
      <fieldset className="entry">
        <legend>Organizations</legend>
        {organizations.map(({ slug, displayName, deadLetters }) => (
          <label key={slug} className="choice">
            <input type="checkbox" checked={chosen.has(slug)} onChange={() => toggle(slug)} />
            <span>
              {displayName}{' '}
              <span className="muted">
                {deadLetters.toLocaleString()} dead {deadLetters === 1 ? 'letter' : 'letters'}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      <label>
        Only those that died after
        <input
          value={typed}
          placeholder="any time; or -2h, yesterday 14:00, ISO"
          aria-invalid={isWrong}
          onChange={({ target }) => setTyped(target.value)}
        />
      </label>
      {isWrong && (
        <p className="fault" role="alert">
          Not a time: try -2h, yesterday 14:00 or 2026-01-31T09:00
        </p>
      )}
      {planning.isError && <ProblemNote error={planning.error} />}
      <div className="row">
        <button
          type="submit"
          className="button primary"
          disabled={!may || chosen.size === 0 || isWrong || planning.isPending}
        >
          {planning.isPending ? 'Planning …' : 'Plan a retry in each'}
        </button>
        <Needs who={who} />
      </div>
    </form>
  )
}

/** One after the other, so that a platform in trouble isn't asked for all at once. */
async function plan(slugs: readonly string[], after: string, now: Date): Promise<PlanPlace[]> {
  const diedAfter = after ? readTime(after, now)?.toISOString() : undefined
  const filter = { ...(diedAfter && { diedAfter }), diedBefore: now.toISOString() }
  const plans: PlanPlace[] = []
  for (const slug of slugs) {
    const { id } = await take(createRetry(slug, { filter, dryRun: true }, once()))
    plans.push({ slug, id })
  }
  return plans
}
