import type { Operation } from '../operation.ts'
import { accessOf } from './access.ts'
import { factsOf, getOf } from './details.ts'
import { figuresOf } from './figures.ts'
import { exportOf, listOf } from './lists.ts'
import { quarantine, rebuild, redact } from './repair.ts'
import { resources } from './resources.ts'

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
  quarantine,
  rebuild,
  redact,
  ...resources.flatMap(resource => [
    listOf(resource, ownPaths[resource.path]),
    getOf(resource, ownPaths[resource.path]),
  ]),
  accessOf(ownPaths.customers),
  figuresOf('/api/v1/analytics'),
]
