import type { Organization } from '@fairlead/client/gen/client'
import { Facts } from '../parts/facts.tsx'
import { CheckField, NumberField, RateLimitFields, TextField } from '../settings/fields.tsx'
import { Time } from '../time.tsx'

/** All that is declared of an organization. */
export function OrganizationFields({ item }: { readonly item: Organization | undefined }) {
  return (
    <>
      {item && (
        <Facts
          facts={[
            ['Slug', <code key="slug">{item.slug}</code>],
            ['Id', <code key="id">{item.id}</code>],
            ['Declared by', `${item.owner.kind}${item.owner.reference ? ` ${item.owner.reference}` : ''}`],
            ['Created', <Time key="created" at={item.createdAt} />],
            ['Changed', <Time key="updated" at={item.updatedAt} />],
          ]}
        />
      )}
      <div className="fields">
        {!item && (
          <TextField
            path="slug"
            label="Slug"
            required
            placeholder="acme"
            help="Part of every address of it, so it stays: small letters, digits and hyphens."
          />
        )}
        <TextField path="displayName" label="Name" placeholder="as the slug" />
        <TextField path="plan" label="Plan" placeholder="free" />
        <NumberField
          path="webhookLimit"
          label="Events a month"
          min={0}
          max={1_000_000_000}
          placeholder="no limit"
          help="What comes beyond is refused with 429."
        />
        <NumberField path="retentionDays" label="Log kept, days" min={1} max={3_650} placeholder="30" />
        <NumberField
          path="weight"
          label="Weight"
          min={1}
          max={100}
          placeholder="1"
          help="Its share where organizations wait for one another."
        />
        <RateLimitFields />
        <CheckField
          path="ledger.enabled"
          label="Ledger"
          help="On: accepted events of Stripe, PayPal and Shopify also become customers, subscriptions, invoices and payments. Off: none comes in, and what is there stays."
        />
        <CheckField
          path="active"
          label="Active"
          byDefault
          help="Not active: its webhooks are refused with 403; what was accepted is still delivered."
        />
      </div>
    </>
  )
}
