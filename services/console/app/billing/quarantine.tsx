import { listBillingQuarantine, type QuarantinedEvent } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago } from '../time.tsx'
import { ledgerModeFilter, ledgerQuery } from './ledger-resource.tsx'
import { LedgerOffNote } from './ledger-state.tsx'
import { reasons } from './quarantine-reasons.ts'

const quarantine: Resource<QuarantinedEvent> = {
  name: 'billing-quarantine',
  title: 'Quarantine',
  about:
    'Billing events that the ledger could not read. They are in the event log as others are, and change nothing in the ledger.',
  columns: [
    {
      title: 'Reason',
      shown: 'always',
      className: 'words',
      cell: ({ reason }) => <Badge tone="warn">{reason.replaceAll('_', ' ')}</Badge>,
    },
    {
      title: 'Event',
      shown: 'always',
      className: 'grow',
      cell: ({ type, reason }) => (
        <>
          <span className="strong">{type || 'no type'}</span>
          <div className="muted">{reasons[reason]}</div>
        </>
      ),
    },
    { title: 'Source', shown: 'wide', cell: ({ source, provider }) => `${source} (${provider})` },
    { title: 'Seen', shown: 'always', cell: ({ seenAt }) => <Ago at={seenAt} /> },
  ],
  filters: [ledgerModeFilter],
  load: asked => take(listBillingQuarantine(asked.slug, ledgerQuery(asked), { signal: asked.signal })),
  idOf: ({ eventId }) => eventId,
  labelOf: ({ eventId }) => eventId,
  pathOf: ({ eventId }, slug) => `/organizations/${slug}/events/${eventId}`,
  above: (slug, rows) => rows > 0 && <LedgerOffNote slug={slug} />,
  nothingYet: () => (
    <>
      <h2>Nothing is in quarantine</h2>
      <p>Every billing event that came could be read. One that can’t is kept here with its reason.</p>
    </>
  ),
  kept: 'kept as long as the organization',
}

export const Page = () => <ResourcePage resource={quarantine} />
