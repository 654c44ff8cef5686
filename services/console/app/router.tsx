import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { EventPage } from './pages/event.tsx'
import { events } from './pages/events.tsx'
import { NoPage } from './pages/no-page.tsx'
import { Organizations } from './pages/organizations.tsx'
import { ResourcePage } from './resource/resource-page.tsx'
import { parseSearch, writeSearch } from './search-params.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({ component: Shell, notFoundComponent: NoPage })
const at = '/organizations/$slug'

const start = createRoute({ getParentRoute: () => root, path: '/', component: Organizations })
const overview = createRoute({
  getParentRoute: () => root,
  path: at,
  component: lazyRouteComponent(() => import('./pages/overview.tsx'), 'Overview'),
})
const log = createRoute({
  getParentRoute: () => root,
  path: `${at}/events`,
  component: () => <ResourcePage resource={events} />,
})
const event = createRoute({
  getParentRoute: () => root,
  path: `${at}/events/$event`,
  component: EventPage,
})
const rejection = createRoute({
  getParentRoute: () => root,
  path: `${at}/rejections/$rejection`,
  component: lazyRouteComponent(() => import('./pages/rejection.tsx'), 'RejectionPage'),
})

const simulator = createRoute({
  getParentRoute: () => root,
  path: `${at}/simulator`,
  component: lazyRouteComponent(() => import('./pages/simulator.tsx'), 'Simulator'),
})

/** The log and its event page are in the first load; all other lists come when they are looked at. */
const lists = [
  ['rejections', () => import('./pages/rejections.tsx')],
  ['deliveries', () => import('./pages/waiting.tsx')],
  ['dead-letters', () => import('./pages/dead-letters.tsx')],
  ['replays', () => import('./pages/replays.tsx')],
  ['sources', () => import('./pages/sources.tsx')],
  ['destinations', () => import('./pages/destinations.tsx')],
  ['routes', () => import('./pages/routes.tsx')],
  ['members', () => import('./pages/members.tsx')],
  ['api-keys', () => import('./pages/api-keys.tsx')],
  ['audit-log', () => import('./pages/audit-log.tsx')],
] as const

const listRoutes = lists.map(([path, load]) =>
  createRoute({
    getParentRoute: () => root,
    path: `${at}/${path}`,
    component: lazyRouteComponent(load as () => Promise<{ Page: () => React.ReactNode }>, 'Page'),
  }),
)

export const router = createRouter({
  routeTree: root.addChildren([start, overview, log, event, rejection, simulator, ...listRoutes]),
  parseSearch,
  stringifySearch: writeSearch,
  scrollRestoration: true,
})
