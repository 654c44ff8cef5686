import type { BillingCustomerDetail } from '@fairlead/client/gen/client'
import { Time } from '../time.tsx'
import { Amount } from './amount.tsx'
import { BillingState } from './billing-state.tsx'
import { PartsTable } from './parts-table.tsx'
import { RowLink } from './place.tsx'

/** What a customer has booked, was asked to pay, and paid. */
export function CustomerParts({
  customer,
  slug,
}: {
  readonly customer: BillingCustomerDetail
  readonly slug: string
}) {
  const { subscriptions, invoices, payments } = customer
  return (
    <>
      <PartsTable
        title="Subscriptions"
        parts={subscriptions}
        columns={[
          ['State', ({ status }) => <BillingState noun="subscription" state={status} />],
          ['Subscription', ({ id }) => <RowLink slug={slug} list="subscriptions" id={id} place={customer} />],
          ['Created', ({ createdAt }) => <Time at={createdAt} />],
          ['Period ends', ({ periodEndAt }) => <Time at={periodEndAt} />],
          ['Ended', ({ endedAt }) => <Time at={endedAt} />],
        ]}
      />
      <PartsTable
        title="Invoices"
        parts={invoices}
        columns={[
          ['State', ({ status }) => <BillingState noun="invoice" state={status} />],
          [
            'Invoice',
            ({ id, number }) => (
              <RowLink slug={slug} list="invoices" id={id} place={customer}>
                {number ?? id}
              </RowLink>
            ),
          ],
          ['Total', ({ total }) => <Amount of={total} />],
          ['Created', ({ createdAt }) => <Time at={createdAt} />],
          ['Paid', ({ paidAt }) => <Time at={paidAt} />],
        ]}
      />
      <PartsTable
        title="Payments"
        parts={payments}
        columns={[
          ['State', ({ status }) => <BillingState noun="payment" state={status} />],
          ['Payment', ({ id }) => <RowLink slug={slug} list="payments" id={id} place={customer} />],
          ['Amount', ({ amount }) => <Amount of={amount} />],
          ['Created', ({ createdAt }) => <Time at={createdAt} />],
          ['Settled', ({ settledAt }) => <Time at={settledAt} />],
        ]}
      />
    </>
  )
}
