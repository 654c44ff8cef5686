import { listSources, type Source } from '@fairlead/client/gen/client'
import { Link } from '@tanstack/react-router'
import { StripeAccountsLink } from '../billing/stripe-accounts.tsx'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { NewButton } from '../parts/new-button.tsx'
import { Owned } from '../parts/owned.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { SetupHelp } from './setup-help.tsx'

const sources: Resource<Source> = {
  name: 'sources',
  title: 'Sources',
  about: 'Where each provider’s webhooks come in, and how they are verified.',
  columns: [
    {
      title: 'Name',
      shown: 'always',
      className: 'grow',
      cell: ({ name }) => <span className="strong">{name}</span>,
    },
    { title: 'Provider', shown: 'always', cell: ({ provider }) => provider },
    {
      title: 'Last hour',
      shown: 'wide',
      cell: ({ lastHour }) => (
        <>
          {lastHour.accepted} accepted
          {lastHour.repeated > 0 && `, ${lastHour.repeated} repeated`}{' '}
          {lastHour.swallowing && <Badge tone="warn">swallows differing repeats</Badge>}
        </>
      ),
    },
    { title: 'Last event', shown: 'always', cell: ({ lastEventAt }) => <Ago at={lastEventAt} /> },
    { title: 'Secrets', shown: 'wide', cell: ({ secrets }) => secrets.length },
    { title: 'Changed', shown: 'wide', cell: ({ managedBy }) => <Owned by={managedBy} /> },
  ],
  filters: [],
  load: ({ slug, signal }) => take(listSources(slug, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ name }) => name,
  details: (source, slug) => <SourceDetails source={source} slug={slug} />,
  editOf: ({ name }, slug) => `/organizations/${slug}/sources/${name}`,
  toolbar: slug => (
    <>
      <StripeAccountsLink slug={slug} />
      <NewButton slug={slug} noun="source" />
    </>
  ),
  nothingYet: slug => (
    <>
      <h2>No source yet</h2>
      <p>
        A source names a provider and its secrets, and has an address of its own. Make one here, or declare it
        in the Organization’s <code>spec.sources</code>.
      </p>
      <NewButton slug={slug} noun="source" />
    </>
  ),
}

function SourceDetails({ source, slug }: { readonly source: Source; readonly slug: string }) {
  return (
    <>
      <Facts
        facts={[
          [
            'Address for the provider',
            <span key="path" className="row">
              <code>{source.path}</code> <CopyButton text={source.path} label="Copy path" />
            </span>,
          ],
          [
            'Tolerance',
            source.toleranceSeconds === null ? "the provider's own" : `${source.toleranceSeconds} s`,
          ],
          ['Repeats', source.deduplicate ? 'are swallowed' : 'are delivered'],
          [
            'Rate limit',
            source.rateLimit
              ? `${source.rateLimit.perSecond} a second, bursts of ${source.rateLimit.burst}`
              : 'none',
          ],
        ]}
      />
      <SetupHelp provider={source.provider} />
      {source.secrets.length > 0 && (
        <table className="plain">
          <caption>Secrets, by name: a secret itself is never shown</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Verified</th>
              <th scope="col">Last matched</th>
              <th scope="col" className="wide">
                Added
              </th>
            </tr>
          </thead>
          <tbody>
            {source.secrets.map(secret => (
              <tr key={secret.id}>
                <td>
                  <code>{secret.id}</code>
                </td>
                <td>{secret.matched.toLocaleString()} events</td>
                <td>
                  <Ago at={secret.lastMatchedAt} />
                </td>
                <td className="wide">
                  <Time at={secret.createdAt} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="row">
        <Link to={`/organizations/${slug}/events` as never} search={{ source: source.name } as never}>
          Its events
        </Link>
        <Link to={`/organizations/${slug}/rejections` as never} search={{ source: source.name } as never}>
          Its rejections
        </Link>
      </p>
    </>
  )
}

export const Page = () => <ResourcePage resource={sources} />
