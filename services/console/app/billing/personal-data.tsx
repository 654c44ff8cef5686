import { type BillingCustomerDetail, redactCustomer } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { ActionButton } from '../resource/actions.tsx'
import type { Action } from '../resource/resource.ts'
import { placeQuery, placeSearch } from './place.tsx'

const erase: Action<BillingCustomerDetail> = {
  label: 'Erase personal data',
  right: 'administer',
  tone: 'danger',
  applies: ({ redacted }) => redacted !== true,
  confirm: ({ id }) =>
    `E-mail, name, phone and country of ${id} go from the ledger for good; no later event and no rebuild brings them back. Amounts, states and figures stay. The events themselves keep theirs as long as their bodies are kept.`,
  run: (customer, slug) => take(redactCustomer(slug, customer.id, placeQuery(placeSearch(customer)), once())),
  done: () => 'Erased',
}

export function ErasePersonalData({
  customer,
  slug,
}: {
  readonly customer: BillingCustomerDetail
  readonly slug: string
}) {
  return <ActionButton action={erase} item={customer} slug={slug} />
}

export function PersonalValue({
  customer,
  value,
}: {
  readonly customer: BillingCustomerDetail
  readonly value: string | null
}) {
  if (customer.redacted === true) return <span className="muted">erased</span>
  return value ?? <span className="muted">–</span>
}
