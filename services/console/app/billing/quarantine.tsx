import {
  listBillingQuarantine,
  type QuarantinedEvent,
  type RetriedQuarantine,
  retryBillingQuarantine,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { FormDialog, SelectField } from '../parts/form-dialog.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { useRight } from '../session.ts'
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
  toolbar: slug => <ReadAgain slug={slug} />,
  above: slug => <LedgerOffNote slug={slug} />,
  nothingYet: () => (
    <>
      <h2>Nothing is in quarantine</h2>
      <p>
        Every billing event that the ledger took could be read. One that can’t is kept here with its reason.
      </p>
    </>
  ),
  kept: 'listed for 90 days',
}

/** After an upgrade that knows their types, or a source that was put right. */
function ReadAgain({ slug }: { readonly slug: string }) {
  const choices = {
    'all of them': '',
    ...Object.fromEntries(Object.keys(reasons).map(reason => [reason.replaceAll('_', ' '), reason])),
  }
  return (
    <FormDialog
      label="Read again …"
      permission={useRight('operate', slug)}
      title="Read quarantined events again"
      submit="Read again"
      run={form => readAgain(slug, String(form.get('reason')))}
      result={({ retried, skipped, left }: RetriedQuarantine) => (
        <p>
          {retried.toLocaleString()} are read again now; what still can’t be read comes back.
          {skipped > 0 && ` ${skipped.toLocaleString()} were skipped: their bodies are no longer kept.`}
          {left > 0 && ` ${left.toLocaleString()} are left: ask again.`}
        </p>
      )}
    >
      <SelectField name="reason" label="Those of this reason" choices={choices} />
      <p className="muted">
        Live and test events alike, newest first, 500 at a time. It helps after an upgrade that knows their
        types, or once a source has been put right.
      </p>
    </FormDialog>
  )
}

const readAgain = (slug: string, reason: string): Promise<RetriedQuarantine> =>
  take(retryBillingQuarantine(slug, reason ? { reason: reason as never } : {}, once()))

export const Page = () => <ResourcePage resource={quarantine} />
