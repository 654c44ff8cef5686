import type { Log } from '@fairlead/daemon/log'
import { ActorKind } from '@fairlead/wire/store/audit'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { ApiMetrics } from './metrics.ts'
import type { AuditEntry, Call } from './operation.ts'

/**
 * Writes who changed what. It follows the change, so that the log holds nothing that didn't happen; if it can't be
 * written then, the change stands all the same and the entry goes to this process' log, where the metric leads to.
 */
export async function writeAudit(
  parts: { readonly store: StoreClient; readonly log: Log; readonly metrics: ApiMetrics },
  call: Call,
  entry: AuditEntry,
): Promise<void> {
  const request = {
    organizationId: call.organization.id,
    actorKind: ActorKind.API_KEY,
    actorId: call.caller.keyId,
    action: entry.action,
    subjectId: entry.subjectId,
    details: { keyName: call.caller.keyName, ...presentDetails(entry.details) },
  }
  try {
    // Without the call's signal: a client that has gone does not undo what it did.
    await parts.store.audit.createAuditLog(request)
  } catch (err) {
    parts.metrics.auditUnwritten.inc()
    parts.log.error({ err, entry: request }, 'audit.unwritten')
  }
}

function presentDetails(details: AuditEntry['details'] = {}) {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
  )
}
