import { listRoutes, type Route } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { NewButton } from '../parts/new-button.tsx'
import { Owned } from '../parts/owned.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'

const routes: Resource<Route> = {
  name: 'routes',
  title: 'Routes',
  about: 'Which events go to which destinations. An event that no route wants is unrouted, and goes nowhere.',
  columns: [
    {
      title: 'Source',
      shown: 'always',
      className: 'grow',
      cell: ({ source }) => <span className="strong">{source}</span>,
    },
    {
      title: 'Types',
      shown: 'always',
      cell: ({ eventTypes }) => (eventTypes.length > 0 ? eventTypes.join(', ') : 'all'),
    },
    {
      title: 'Destinations',
      shown: 'always',
      cell: ({ destinations }) => destinations.join(', '),
    },
    {
      title: 'In order of',
      shown: 'wide',
      cell: ({ order }) =>
        order === null ? (
          <span className="muted">no order</span>
        ) : (
          `${Object.values(order.key).join('')}, waiting ${order.maxWaitSeconds} s at most`
        ),
    },
    { title: 'Changed', shown: 'wide', cell: ({ managedBy }) => <Owned by={managedBy} /> },
  ],
  filters: [],
  load: ({ slug, signal }) => take(listRoutes(slug, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ source }) => source,
  pathOf: ({ id }, slug) => `/organizations/${slug}/routes/${id}`,
  toolbar: slug => <NewButton slug={slug} noun="route" />,
  nothingYet: slug => (
    <>
      <h2>No route yet</h2>
      <p>
        Without a route events are kept and go nowhere. Make one here, or declare it in the Organization’s{' '}
        <code>spec.routes</code>.
      </p>
      <NewButton slug={slug} noun="route" />
    </>
  ),
}

export const Page = () => <ResourcePage resource={routes} />
