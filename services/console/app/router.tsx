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

/** Pages of one thing, which come when they are looked at. */
const details = [
  ['issues/$issue', async () => ({ Page: (await import('./pages/issue.tsx')).IssuePage })],
  ['retries/$retry', async () => ({ Page: (await import('./pages/retry.tsx')).RetryPage })],
] as const

/** Settings have pages of their own: one that makes, one that changes. */
const settings = [
  ['source', () => import('./pages/source.tsx')],
  ['destination', () => import('./pages/destination.tsx')],
  ['route', () => import('./pages/route.tsx')],
] as const

type Pages = () => Promise<{ New: () => React.ReactNode; Page: () => React.ReactNode }>

const settingRoutes = settings.flatMap(([noun, load]) => [
  createRoute({
    getParentRoute: () => root,
    path: `${at}/new-${noun}`,
    component: lazyRouteComponent(load as Pages, 'New'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: `${at}/${noun}s/$${noun}`,
    component: lazyRouteComponent(load as Pages, 'Page'),
  }),
])

/** The log and its event page are in the first load; all other lists come when they are looked at. */
const lists = [
  ['rejections', () => import('./pages/rejections.tsx')],
  ['issues', () => import('./pages/issues.tsx')],
  ['attempts', () => import('./pages/attempts.tsx')],
  ['retries', () => import('./pages/retries.tsx')],
  ['analytics', () => import('./pages/analytics.tsx')],
  ['usage', () => import('./pages/usage.tsx')],
  ['deliveries', () => import('./pages/waiting.tsx')],
  ['dead-letters', () => import('./pages/dead-letters.tsx')],
  ['replays', () => import('./pages/replays.tsx')],
  ['sources', () => import('./pages/sources.tsx')],
  ['stripe-accounts', () => import('./billing/stripe-accounts.tsx')],
  ['destinations', () => import('./pages/destinations.tsx')],
  ['routes', () => import('./pages/routes.tsx')],
  ['members', () => import('./pages/members.tsx')],
  ['api-keys', () => import('./pages/api-keys.tsx')],
  ['audit-log', () => import('./pages/audit-log.tsx')],
  ['notifications', () => import('./pages/notifications.tsx')],
  ['settings', () => import('./pages/organization.tsx')],
] as const

/** The ledger: five lists with a page for each row, and its figures. */
const billing = [
  ['revenue', () => import('./billing/revenue.tsx')],
  ['quarantine', () => import('./billing/quarantine.tsx')],
  ['rates', () => import('./billing/rates.tsx')],
  ['restatements', () => import('./billing/restatements.tsx')],
  ['rebuilds', () => import('./billing/rebuilds.tsx')],
] as const

const billingLists = [
  ['plans', () => import('./billing/plans.tsx')],
  ['customers', () => import('./billing/customers.tsx')],
  ['subscriptions', () => import('./billing/subscriptions.tsx')],
  ['invoices', () => import('./billing/invoices.tsx')],
  ['payments', () => import('./billing/payments.tsx')],
] as const

type PageAndRow = () => Promise<{ Page: () => React.ReactNode; Row: () => React.ReactNode }>

const platform = [
  ['account', () => import('./pages/sessions.tsx')],
  ['platform/organizations', () => import('./pages/platform-organizations.tsx')],
  ['platform/health', () => import('./pages/platform-health.tsx')],
  ['platform/search', () => import('./pages/platform-search.tsx')],
  ['platform/dead-letters', () => import('./pages/platform-dead-letters.tsx')],
  ['platform/audit-log', () => import('./pages/platform-audit-log.tsx')],
  ['platform/new-organization', async () => ({ Page: (await import('./pages/organization.tsx')).New })],
] as const

const platformRoutes = platform.map(([path, load]) =>
  createRoute({
    getParentRoute: () => root,
    path,
    component: lazyRouteComponent(load as () => Promise<{ Page: () => React.ReactNode }>, 'Page'),
  }),
)

const listRoutes = [...details, ...lists].map(([path, load]) =>
  createRoute({
    getParentRoute: () => root,
    path: `${at}/${path}`,
    component: lazyRouteComponent(load as () => Promise<{ Page: () => React.ReactNode }>, 'Page'),
  }),
)

const billingRoutes = [
  ...[...billing, ...billingLists].map(([path, load]) =>
    createRoute({
      getParentRoute: () => root,
      path: `${at}/billing/${path}`,
      component: lazyRouteComponent(load as () => Promise<{ Page: () => React.ReactNode }>, 'Page'),
    }),
  ),
  ...billingLists.map(([path, load]) =>
    createRoute({
      getParentRoute: () => root,
      path: `${at}/billing/${path}/$row`,
      component: lazyRouteComponent(load as PageAndRow, 'Row'),
    }),
  ),
]

export const router = createRouter({
  routeTree: root.addChildren([
    start,
    overview,
    log,
    event,
    rejection,
    simulator,
    ...settingRoutes,
    ...platformRoutes,
    ...listRoutes,
    ...billingRoutes,
  ]),
  parseSearch,
  stringifySearch: writeSearch,
  scrollRestoration: true,
})
