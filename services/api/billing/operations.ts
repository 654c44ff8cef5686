import type { Operation } from '../operation.ts'
import { accessOf } from './access.ts'
import { cohortsOf } from './cohorts.ts'
import { factsOf, getOf } from './details.ts'
import { figuresOf } from './figures.ts'
import { getHydrationKeys, putHydrationKeys } from './hydration.ts'
import { exportOf, listOf } from './lists.ts'
import { periodsOf } from './periods.ts'
import { getRates, putRates } from './rates.ts'
import { recoveryOf } from './recovery.ts'
import { getRebuild, listRebuilds, quarantine, rebuild, redact, retryQuarantine } from './repair.ts'
import { resources } from './resources.ts'
import { restatementsOf } from './restatements.ts'

/** The paths of keys of one organization, which name none. */
const ownPaths = {
  plans: '/api/v1/billing/plans',
  customers: '/api/v1/customers',
  subscriptions: '/api/v1/subscriptions',
  invoices: '/api/v1/invoices',
  payments: '/api/v1/payments',
} as const

export const billingOperations: readonly Operation[] = [
  ...resources.flatMap(resource => [
    listOf(resource),
    // Before the operation whose path has an id in its place.
    exportOf(resource),
    getOf(resource),
    factsOf(resource),
  ]),
  accessOf(),
  figuresOf(),
  ...periodsOf(false),
  cohortsOf(false),
  recoveryOf(false),
  restatementsOf(false),
  getRates,
  putRates,
  getHydrationKeys,
  putHydrationKeys,
  quarantine,
  retryQuarantine,
  rebuild,
  listRebuilds,
  getRebuild,
  redact,
  ...resources.flatMap(resource => [
    listOf(resource, ownPaths[resource.path]),
    getOf(resource, ownPaths[resource.path]),
  ]),
  accessOf(ownPaths.customers),
  figuresOf('/api/v1/analytics'),
  ...periodsOf(true),
  cohortsOf(true),
  recoveryOf(true),
  restatementsOf(true),
]
