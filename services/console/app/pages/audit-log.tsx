import { type AuditLogEntry, listAuditLog, verifyAuditLog } from '@fairlead/client/gen/client'
import { Fragment } from 'react'
import { visible } from '../body/received.ts'
import { take } from '../call.ts'
import { Facts } from '../parts/facts.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { pageSize } from './events.tsx'
import { VerifyAuditLog } from './verify-audit-log.tsx'

export const auditLog: Resource<AuditLogEntry> = {
  name: 'audit-log',
  title: 'Audit log',
  about: 'Who changed what, from where. Entries can’t be edited: each carries the digest of the one before.',
  columns: [
    {
      title: 'Action',
      shown: 'always',
      className: 'words',
      cell: ({ action }) => (
        <span className="strong">
          {action.split('.').map((part, at) => (
            <Fragment key={part}>
              {at > 0 && (
                <>
                  .<wbr />
                </>
              )}
              {part}
            </Fragment>
          ))}
        </span>
      ),
    },
    {
      title: 'By',
      shown: 'always',
      className: 'grow',
      cell: ({ actor }) => (
        <>
          {visible(actor.name ?? actor.id)} <span className="muted">{actor.kind.replaceAll('_', ' ')}</span>
        </>
      ),
    },
    { title: 'To', shown: 'wide', cell: ({ subjectId }) => subjectId && <code>{subjectId}</code> },
    { title: 'At', shown: 'wide', className: 'time', cell: ({ at }) => <Time at={at} /> },
    { title: 'Ago', shown: 'always', cell: ({ at }) => <Ago at={at} /> },
  ],
  toolbar: slug => (
    <VerifyAuditLog slug={slug} right="administer" verify={() => take(verifyAuditLog(slug))} />
  ),
  filters: [{ kind: 'search', name: 'action', label: 'Action', placeholder: 'source.deleted' }],
  load: ({ slug, filters, cursor, signal }) =>
    take(listAuditLog(slug, { ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ action }) => action,
  details: entry => (
    <Facts
      facts={[
        ['Entry', <code key="id">{entry.id}</code>],
        ['Through', entry.via ?? '–'],
        ['From', entry.address ?? '–'],
        ['With', entry.agent ? visible(entry.agent) : '–'],
        ['Request', entry.requestId ? <code key="request">{entry.requestId}</code> : '–'],
        ...Object.entries(entry.details).map(
          ([name, value]) =>
            [name, visible(typeof value === 'string' ? value : JSON.stringify(value))] as const,
        ),
      ]}
    />
  ),
  nothingYet: () => (
    <>
      <h2>Nothing was changed yet</h2>
      <p>Every change of settings, keys and members, and every retry, leaves an entry here.</p>
    </>
  ),
}

export const Page = () => <ResourcePage resource={auditLog} />
