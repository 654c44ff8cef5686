import { analyticsOperations } from './analytics.ts'
import { apiKeyOperations } from './api-keys.ts'
import { attemptOperations } from './attempts.ts'
import { auditLogOperations } from './audit-log.ts'
import { impersonationOperations } from './auth/impersonation/operations.ts'
import { passkeyOperations } from './auth/passkeys/operations.ts'
import { sessionOperations } from './auth/sessions/operations.ts'
import { tenantOperations } from './auth/tenants/operations.ts'
import { billingOperations } from './billing/operations.ts'
import { deadLetterOperations } from './dead-letters.ts'
import { deliveryOperations } from './deliveries.ts'
import { destinationOperations } from './destinations.ts'
import { streamEvents } from './event-stream.ts'
import { eventOperations } from './events.ts'
import { exportEvents } from './export-events.ts'
import { invitationOperations } from './invitations.ts'
import { issueOperations } from './issues.ts'
import { meOperations } from './me.ts'
import { memberOperations } from './members.ts'
import { withModeChoice } from './mode.ts'
import { notificationOperations } from './notifications.ts'
import type { Operation } from './operation.ts'
import { organizationOperations } from './organizations.ts'
import { platformOperations } from './platform.ts'
import { rejectionOperations } from './rejections.ts'
import { replayOperations } from './replays.ts'
import { retryOperations } from './retries.ts'
import { routeOperations } from './routes.ts'
import { simulatorOperations } from './simulator.ts'
import { sourceOperations } from './sources.ts'
import { stripeConnectOperations } from './stripe-connect/operations.ts'
import { testDestinationOperations } from './test-destination.ts'

/** The whole API, in the order of its documentation. */
export const operations: readonly Operation[] = [
  ...organizationOperations,
  // Before the operation whose path has an event's id in their place.
  streamEvents,
  exportEvents,
  ...eventOperations,
  ...deliveryOperations,
  ...attemptOperations,
  ...deadLetterOperations,
  ...replayOperations,
  ...retryOperations,
  ...issueOperations,
  ...analyticsOperations,
  ...stripeConnectOperations,
  ...billingOperations,
  ...rejectionOperations,
  ...sourceOperations,
  ...simulatorOperations,
  ...destinationOperations,
  ...testDestinationOperations,
  ...routeOperations,
  ...notificationOperations,
  ...memberOperations,
  ...invitationOperations,
  ...meOperations,
  ...impersonationOperations,
  ...sessionOperations,
  ...passkeyOperations,
  ...tenantOperations,
  ...apiKeyOperations,
  ...auditLogOperations,
  ...platformOperations,
].map(withModeChoice)
