import { listPlatformAuditLog, verifyPlatformAuditLog } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { auditLog } from './audit-log.tsx'
import { pageSize } from './events.tsx'
import { VerifyAuditLog } from './verify-audit-log.tsx'

const platformAuditLog: typeof auditLog = {
  ...auditLog,
  name: 'platform-audit-log',
  title: 'Audit log of the platform',
  about: 'Who changed what of the platform itself. Changes of an organization stand in its own log.',
  toolbar: slug => (
    <VerifyAuditLog slug={slug} right="platform-read" verify={() => take(verifyPlatformAuditLog())} />
  ),
  load: ({ filters, cursor, signal }) =>
    take(listPlatformAuditLog({ ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
}

export const Page = () => <ResourcePage resource={platformAuditLog} />
