import type { Dashboard } from './builder.ts'
import { deliveryEngine } from './delivery-engine.ts'
import { operator } from './operator.ts'
import { oneDestination, oneOrganization } from './organization.ts'
import { overview } from './overview.ts'
import { receiver } from './receiver.ts'
import { storeAndStreams } from './store-and-streams.ts'

export const allDashboards: readonly Dashboard[] = [
  overview,
  oneOrganization,
  oneDestination,
  deliveryEngine,
  receiver,
  storeAndStreams,
  operator,
]
