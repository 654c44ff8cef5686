import { endOtherSessions, endSession, listSessions, type Session } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { visible } from '../body/received.ts'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { useMe } from '../session.ts'
import { Ago, Time } from '../time.tsx'

const sessions: Resource<Session> = {
  name: 'sessions',
  title: 'Your sessions',
  about: 'Browsers and tools that are signed in as you. One that you don’t know: end it.',
  columns: [
    {
      title: 'Device',
      shown: 'always',
      className: 'grow',
      cell: ({ device, current }) => (
        <>
          <span className="strong">{visible(device)}</span> {current && <Badge tone="good">this one</Badge>}
        </>
      ),
    },
    { title: 'From', shown: 'wide', cell: ({ address }) => address },
    { title: 'By', shown: 'wide', cell: ({ method }) => method },
    { title: 'Last seen', shown: 'always', cell: ({ lastSeenAt }) => <Ago at={lastSeenAt} /> },
    { title: 'Ends', shown: 'roomy', className: 'time', cell: ({ endsAt }) => <Time at={endsAt} /> },
  ],
  filters: [],
  load: ({ signal }) => take(listSessions({ signal })),
  idOf: ({ id }) => id,
  labelOf: ({ device }) => device,
  toolbar: () => <EndOthers />,
  actions: [
    {
      label: 'End',
      right: 'self',
      tone: 'danger',
      applies: ({ current }) => !current,
      run: ({ id }) => take(endSession(id)),
      done: () => 'Ended',
    },
  ],
  nothingYet: () => (
    <>
      <h2>No session</h2>
      <p>You look with an API key, which has none.</p>
    </>
  ),
}

function EndOthers() {
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: () => take(endOtherSessions()),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['sessions'] }),
  })
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={mutation.isPending}
        onClick={() => mutation.mutate()}
      >
        End all others
      </button>
      <a className="button small" href="/auth/account">
        Sign out …
      </a>
      {mutation.isError && <ProblemNote error={mutation.error} />}
    </>
  )
}

export function Page() {
  const { data: me } = useMe()
  if (!me) return <p className="muted page">Loading …</p>
  if (me.kind === 'api_key') {
    return (
      <section className="page">
        <h1>{sessions.title}</h1>
        <div className="empty">{sessions.nothingYet('')}</div>
      </section>
    )
  }
  return <ResourcePage resource={sessions} />
}
