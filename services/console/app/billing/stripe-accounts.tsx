import {
  beginStripeConnect,
  type ConnectedAccount,
  disconnectStripeAccount,
  listConnectedAccounts,
} from '@fairlead/client/gen/client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { ProblemError, take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { useRight } from '../session.ts'
import { Ago, Time } from '../time.tsx'

const title = 'Stripe accounts'

const accounts: Resource<ConnectedAccount> = {
  name: 'stripe-accounts',
  title,
  about: (
    <>
      Accounts at Stripe whose events come by the platform’s own endpoint, as those of the source{' '}
      <code>_stripe</code>. Nothing is to be set up at Stripe.
    </>
  ),
  columns: [
    {
      title: 'Account',
      shown: 'always',
      className: 'words',
      cell: ({ account, livemode }) => (
        <>
          <code>{account}</code> {!livemode && <Badge tone="plain">test</Badge>}
        </>
      ),
    },
    {
      title: 'State',
      shown: 'always',
      cell: ({ connected }) =>
        connected ? <Badge tone="good">connected</Badge> : <Badge tone="plain">disconnected</Badge>,
    },
    { title: 'Held', shown: 'wide', cell: ({ held }) => <Held count={held} /> },
    {
      title: 'May',
      shown: 'roomy',
      cell: ({ scope }) => (scope === 'read_write' ? 'read and write' : 'read'),
    },
    { title: 'Connected', shown: 'always', cell: ({ connectedAt }) => <Ago at={connectedAt} /> },
    {
      title: 'Disconnected',
      shown: 'roomy',
      className: 'time',
      cell: ({ disconnectedAt }) => <Time at={disconnectedAt} />,
    },
  ],
  filters: [],
  toolbar: slug => <Connect slug={slug} />,
  load: ({ slug, signal }) => take(listConnectedAccounts(slug, { signal })),
  idOf: ({ account }) => account,
  labelOf: ({ account }) => account,
  actions: [
    {
      label: 'Disconnect',
      right: 'administer',
      tone: 'danger',
      applies: ({ connected }) => connected,
      confirm: ({ account }) =>
        `From this moment on no event of ${account} comes here, and the platform’s access to it ends at Stripe. What came before stays. It can be connected again.`,
      run: ({ account }, slug) => take(disconnectStripeAccount(slug, { account })),
      done: () => 'Disconnected',
    },
    {
      label: 'End access',
      right: 'administer',
      applies: mayTellAgain,
      confirm: ({ account }) =>
        `It is disconnected here. Stripe is told once more to end the platform’s access to ${account}, in case Stripe was away. That can be asked within an hour of disconnecting; later the account’s owner ends the access at Stripe.`,
      run: ({ account }, slug) => take(disconnectStripeAccount(slug, { account })),
      done: () => 'Stripe was told',
    },
  ],
  nothingYet: () => (
    <>
      <h2>No account is connected</h2>
      <p>
        “Connect” leads to Stripe, which asks the account’s owner, and back. From then on the account’s events
        are in the event log, and in the ledger where that is on.
      </p>
    </>
  ),
}

/** The API tells Stripe again within an hour, ms: it may have been away when the account was disconnected. */
const tellAgainMs = 3_600_000

function mayTellAgain({ connected, disconnectedAt }: ConnectedAccount): boolean {
  return !connected && disconnectedAt !== null && Date.now() - Date.parse(disconnectedAt) < tellAgainMs
}

/** Events wait where the organization takes none. */
function Held({ count }: { readonly count: number }) {
  if (count === 0) return <span className="muted">none</span>
  return (
    <>
      <Badge tone="warn">{count.toLocaleString()}</Badge> <span className="muted">for 72 hours at most</span>
    </>
  )
}

function Connect({ slug }: { readonly slug: string }) {
  const { may, who } = useRight('administer', slug)
  const begin = useMutation({
    mutationFn: () => take(beginStripeConnect(slug)),
    onSuccess: ({ url }) => location.assign(url),
  })
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={!may || begin.isPending || begin.isSuccess}
        onClick={() => begin.mutate()}
      >
        {begin.isSuccess ? 'Going to Stripe …' : 'Connect an account'}
        <Needs who={who} />
      </button>
      {begin.isError && <ProblemNote error={begin.error} />}
    </>
  )
}

/** Whether this installation connects accounts; undefined while nobody knows. */
function useOffered(slug: string) {
  return useQuery({
    queryKey: ['stripe-accounts', slug, 'offered'],
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      take(listConnectedAccounts(slug, { signal })).then(
        () => true,
        (error: Error) => {
          if (error instanceof ProblemError && error.problem.status === 404) return false
          throw error
        },
      ),
  })
}

/** Leads to the accounts, where there can be any. */
export function StripeAccountsLink({ slug }: { readonly slug: string }) {
  const { data: isOffered } = useOffered(slug)
  if (!isOffered) return null
  return (
    <Link to={`/organizations/${slug}/stripe-accounts` as never} className="button small">
      Stripe accounts
    </Link>
  )
}

export function Page() {
  const { slug = '' } = useParams({ strict: false })
  const offered = useOffered(slug)
  if (offered.data) return <ResourcePage resource={accounts} />
  return (
    <section className="page">
      <h1>{title}</h1>
      {offered.isPending && <p className="muted">Loading …</p>}
      {offered.isError && <ProblemNote error={offered.error} again={() => void offered.refetch()} />}
      {offered.data === false && (
        <div className="empty">
          <h2>Not offered here</h2>
          <p>
            Whoever runs this installation has not set up Stripe Connect. Events of an account come all the
            same, by{' '}
            <Link to={`/organizations/${slug}/new-source` as never} search={{ provider: 'stripe' } as never}>
              a source for Stripe
            </Link>
            .
          </p>
        </div>
      )}
    </section>
  )
}
