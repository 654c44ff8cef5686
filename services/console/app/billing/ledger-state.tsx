import { getOrganization, listSources } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { take } from '../call.ts'
import { CopyButton } from '../parts/copy.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import type { Search } from '../search-params.ts'
import { useRight } from '../session.ts'

const providers = ['stripe', 'paypal', 'shopify']

function useOrganization(slug: string) {
  return useQuery({
    queryKey: ['organization', slug],
    queryFn: ({ signal }) => take(getOrganization(slug, { signal })),
  })
}

/** Stands above lists of a ledger that takes no events any more. */
export function LedgerOffNote({ slug }: { readonly slug: string }) {
  const { data } = useOrganization(slug)
  if (!data || data.ledger.enabled) return null
  return (
    <p className="note warn">
      <strong>The ledger is off.</strong> No event comes in; what is there stays as it was.{' '}
      <Link to={`/organizations/${slug}/settings` as never}>Switch it on in the settings</Link>
    </p>
  )
}

/** Why there is nothing in the ledger yet, and what to do about it. */
export function NothingBilled({ slug, nouns }: { readonly slug: string; readonly nouns: string }) {
  const { data, isError, error, refetch } = useOrganization(slug)
  if (isError) return <ProblemNote error={error} again={() => void refetch()} />
  if (!data) return <p className="muted">Loading …</p>
  if (!data.ledger.enabled) return <LedgerIsOff slug={slug} declaredName={data.slug} />
  return <NoEventsYet slug={slug} nouns={nouns} />
}

function LedgerIsOff({ slug, declaredName }: { readonly slug: string; readonly declaredName: string }) {
  const { may } = useRight('platform', slug)
  const yaml = `apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: ${declaredName} }
spec:
  ledger: { enabled: true }
`
  return (
    <>
      <h2>The ledger is off</h2>
      <p>
        Switched on, it keeps customers, subscriptions, invoices and payments from the billing webhooks of
        Stripe, PayPal and Shopify, whatever the order in which they come. Events from before it is switched
        on are not read.
      </p>
      {may ? (
        <Link to={`/organizations/${slug}/settings` as never} className="button">
          Switch it on in the settings
        </Link>
      ) : (
        <p>Staff of the platform switches it on; or whoever declares the organization does, with:</p>
      )}
      <ScrollX label="The declaration">
        <pre className="patch">{yaml}</pre>
      </ScrollX>
      <CopyButton text={yaml} label="Copy the declaration" />
    </>
  )
}

function NoEventsYet({ slug, nouns }: { readonly slug: string; readonly nouns: string }) {
  const { mode }: Search = useSearch({ strict: false })
  const { data } = useQuery({
    queryKey: ['sources', slug, {}],
    queryFn: ({ signal }) => take(listSources(slug, { signal })),
  })
  const sources = (data?.items ?? []).filter(({ provider }) => providers.includes(provider))
  const at = `/organizations/${slug}`
  return (
    <>
      <h2>
        No {mode === 'test' ? 'test' : 'live'} {nouns} yet
      </h2>
      <p>The ledger is on. It fills with the next billing event of Stripe, PayPal or Shopify.</p>
      {sources.length === 0 ? (
        <p>
          No source takes any of them.{' '}
          <Link to={`${at}/new-source` as never} search={{ provider: 'stripe' } as never}>
            Make a source for Stripe
          </Link>
        </p>
      ) : (
        <>
          <p>Give the provider one of these addresses:</p>
          <ul>
            {sources.slice(0, 5).map(({ id, name, provider, path }) => (
              <li key={id}>
                {name} ({provider}): <code>{path}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      <p>
        Or try it:{' '}
        <Link to={`${at}/simulator` as never} search={{ provider: 'stripe' } as never}>
          send one from the simulator
        </Link>
        , which makes test data.
      </p>
      {mode !== 'test' && <ShowTestData />}
    </>
  )
}

function ShowTestData(): ReactNode {
  return (
    <Link to="." search={{ mode: 'test' } as never}>
      Show test data
    </Link>
  )
}
