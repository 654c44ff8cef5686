import type { BillingInvoiceDetail } from '@fairlead/client/gen/client'
import { Badge } from '../parts/badge.tsx'
import { Time } from '../time.tsx'
import { Amount } from './amount.tsx'
import { BillingState, PartState } from './billing-state.tsx'
import { PartsTable } from './parts-table.tsx'
import { RowLink } from './place.tsx'

/** What an invoice asks for, what paid it, and what was taken back of it. */
export function InvoiceParts({
  invoice,
  slug,
}: {
  readonly invoice: BillingInvoiceDetail
  readonly slug: string
}) {
  const { lines, payments, creditNotes } = invoice
  return (
    <>
      <PartsTable
        title="Lines"
        parts={lines}
        columns={[
          ['Plan', ({ plan }) => <RowLink slug={slug} list="plans" id={plan} place={invoice} />],
          ['Quantity', ({ quantity }) => quantity ?? '–'],
          ['Amount', ({ amount }) => <Amount of={amount} />],
          ['Tax', ({ tax }) => <Amount of={tax} />],
          ['Discount', ({ discount }) => <Amount of={discount} />],
          ['From', ({ periodStartAt }) => <Time at={periodStartAt} />],
          ['Until', ({ periodEndAt }) => <Time at={periodEndAt} />],
          ['Kind', ({ proration }) => proration && <Badge tone="plain">proration</Badge>],
        ]}
      />
      <PartsTable
        title="Payments"
        parts={payments}
        columns={[
          ['State', ({ status }) => <BillingState noun="payment" state={status} />],
          ['Payment', ({ id }) => <RowLink slug={slug} list="payments" id={id} place={invoice} />],
          ['Amount', ({ amount }) => <Amount of={amount} />],
          ['Created', ({ createdAt }) => <Time at={createdAt} />],
          ['Settled', ({ settledAt }) => <Time at={settledAt} />],
        ]}
      />
      {creditNotes.length > 0 && (
        <PartsTable
          title="Credit notes"
          parts={creditNotes}
          columns={[
            ['State', ({ status }) => <PartState state={status} />],
            ['Credit note', ({ number, id }) => number ?? id],
            ['Amount', ({ amount }) => <Amount of={amount} />],
            ['Reason', ({ reason }) => reason?.replaceAll('_', ' ') ?? '–'],
            ['Created', ({ createdAt }) => <Time at={createdAt} />],
          ]}
        />
      )}
    </>
  )
}
