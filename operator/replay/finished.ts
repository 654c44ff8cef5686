import type { ReplayStatus } from './status-schema.ts'

/** Whether its status is final: it has ended, and so have all its deliveries. */
export function isFinished(status: ReplayStatus | undefined): boolean {
  switch (status?.phase) {
    case 'Completed':
    case 'Cancelled':
    case 'Failed':
      return (status.delivered ?? 0) + (status.failed ?? 0) >= (status.published ?? 0)
    default:
      return false
  }
}
