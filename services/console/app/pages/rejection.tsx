import {
  type ExplainedRejection,
  getRejection,
  type OfferedSecret,
  promoteRejection,
  takeInRejection,
  takeOfferedSecret,
} from '@fairlead/client/gen/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { RequestView } from '../body/request-view.tsx'
import { once, take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ActionButton } from '../resource/actions.tsx'
import type { Action } from '../resource/resource.ts'
import { useRight } from '../session.ts'
import { Time } from '../time.tsx'

/** @param leave where to go then: the record is gone */
const promoteAnd = (leave: () => void): Action<ExplainedRejection> => ({
  label: 'Promote',
  right: 'operate',
  applies: ({ explanation }) => explanation !== null && !explanation.stillRefused,
  confirm: ({ source }) =>
    `This request verifies with what ${source} is configured with now. It becomes an event with the time of its receipt, and is delivered once.`,
  run: async ({ id }, slug) => {
    await take(promoteRejection(slug, id, once()))
    leave()
  },
  done: () => 'It is an event now.',
})

const takeIn: Action<ExplainedRejection> = {
  label: 'Take in',
  right: 'operate',
  applies: ({ canBeTakenIn }) => canBeTakenIn,
  confirm: () =>
    'This request was swallowed as a repeat of another event, though its body differs. It becomes an event of its own and is delivered.',
  run: ({ id }, slug) => take(takeInRejection(slug, id, once())),
  done: () => 'It is an event now: see the event log.',
}

/** Why a request was refused, in a sentence, with all that was received. */
export function RejectionPage() {
  const { slug = '', rejection: id = '' } = useParams({ strict: false })
  const query = useQuery({
    queryKey: ['rejection', slug, id],
    queryFn: ({ signal }) => take(getRejection(slug, id, { signal })),
  })
  const navigate = useNavigate()
  const leave = () => void navigate({ to: `/organizations/${slug}/events` as never })
  if (query.isPending) return <p className="muted page">Loading …</p>
  if (query.isError) {
    return (
      <section className="page">
        <h1>Rejection</h1>
        <ProblemNote error={query.error} again={() => void query.refetch()} />
      </section>
    )
  }
  const rejection = query.data
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <p className="crumbs">
            <Link to={`/organizations/${slug}/rejections` as never}>Rejections</Link> /
          </p>
          <h1>
            Refused: <Badge tone="bad">{rejection.reason.replaceAll('_', ' ')}</Badge>
          </h1>
          <p className="muted">
            <code>{rejection.id}</code>
          </p>
        </div>
        <div className="row">
          <ActionButton action={promoteAnd(leave)} item={rejection} slug={slug} />
          <ActionButton action={takeIn} item={rejection} slug={slug} />
          <button type="button" className="button small" onClick={() => void query.refetch()}>
            Explain again
          </button>
          <CopyButton text={rejection.id} label="Copy id" />
        </div>
      </header>
      <Why rejection={rejection} />
      {rejection.offersSecret && <OfferedSecretBox rejection={rejection} slug={slug} />}
      <Facts
        facts={[
          ['Source', `${rejection.source} (${rejection.provider})`],
          ['Received', <Time key="at" at={rejection.receivedAt} />],
          ...(rejection.repeatsEvent
            ? ([
                [
                  'Taken for a repeat of',
                  <Link key="event" to={`/organizations/${slug}/events/${rejection.repeatsEvent}` as never}>
                    {rejection.repeatsEvent}
                  </Link>,
                ],
              ] as const)
            : []),
        ]}
      />
      <h2>Request</h2>
      <RequestView request={rejection} />
    </section>
  )
}

function Why({ rejection }: { readonly rejection: ExplainedRejection }) {
  const { explanation, explanationHint, detail } = rejection
  if (explanationHint !== null) {
    return (
      <div className="note warn">
        <p>{explanationHint}</p>
      </div>
    )
  }
  if (explanation === null) {
    return (
      <div className="note warn">
        <p>
          {detail ?? 'Why it was refused can no longer be told.'} The source is gone, the body was too large
          to keep, or it offers a secret.
        </p>
      </div>
    )
  }
  const [likeliest, ...others] = explanation.causes
  return (
    <div className={`note ${explanation.stillRefused ? 'bad' : 'good'}`}>
      <p className="sentence">
        {explanation.stillRefused
          ? (likeliest?.sentence ?? detail ?? 'It would be refused again.')
          : 'With what is configured now it would be accepted.'}
      </p>
      {likeliest?.source && (
        <p>
          It is right for the source <strong>{likeliest.source}</strong>.
        </p>
      )}
      {others.length > 0 && (
        <>
          <p>Less likely:</p>
          <ul>
            {others.map(({ kind, sentence }) => (
              <li key={kind + sentence}>{sentence}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}

/** Some providers hand over their secret in the first request. It is shown once. */
function OfferedSecretBox({
  rejection,
  slug,
}: {
  readonly rejection: ExplainedRejection
  readonly slug: string
}) {
  const { may, who } = useRight('administer', slug)
  const mutation = useMutation({
    mutationFn: (): Promise<OfferedSecret> => take(takeOfferedSecret(slug, rejection.id, once())),
  })
  return (
    <div className="note warn">
      <p>
        {rejection.provider} handed over a secret in this request. Give it to the source {rejection.source}.
        It is shown once.
      </p>
      {mutation.data ? (
        <p className="row">
          <code>{mutation.data.secret}</code> <CopyButton text={mutation.data.secret} label="Copy secret" />
        </p>
      ) : (
        <button
          type="button"
          className="button"
          disabled={!may || mutation.isPending}
          onClick={() => mutation.mutate()}
        >
          Show the secret
          <Needs who={who} />
        </button>
      )}
      {mutation.isError && <ProblemNote error={mutation.error} />}
    </div>
  )
}
