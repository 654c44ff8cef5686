import type { LedgerPlatform, LedgerTenant } from '@fairlead/testbed/billing/ledger-platform'
import { toUuid } from '@fairlead/webhook/id'

export const customerOf = (index: number): string => `cus_made_${index}`

/** So many customers with a subscription each that gives access, made within Postgres: rows alone, without facts. */
export async function makeCustomers(
  { query }: LedgerPlatform,
  { id }: LedgerTenant,
  count: number,
): Promise<void> {
  const place = "$1::uuid as organization_id, 'stripe' as provider, '' as account, 'live' as mode"
  const customer = "'cus_made_' || n as id"
  const pages = Array.from({ length: Math.ceil(count / 50_000) }, (_, page) => page * 50_000)
  for (const from of pages) {
    const values = [toUuid(id), from, Math.min(count, from + 50_000) - 1]
    await query(
      `insert into ledger_customers (organization_id, provider, account, mode, id, known, stale, complete, gaps, anomalies,
         created_ms, deleted, redacted)
       select ${place}, ${customer}, true, false, true, 0, '{}', 1767225600000 + n, false, false
       from generate_series($2::int, $3::int) n`,
      values,
    )
    await query(
      `insert into ledger_access (organization_id, provider, account, mode, customer, grants, complete, mrr_incomplete)
       select ${place}, ${customer}, jsonb_build_array(jsonb_build_object('subscription', 'sub_made_' || n, 'item', 'si_made_' || n,
         'plan', 'price_made', 'product', 'prod_made', 'quantity', 1, 'status', 'active', 'fromAt', 1767225600000,
         'untilAt', 4102444800000, 'ends', false)), true, '[]'
       from generate_series($2::int, $3::int) n`,
      values,
    )
  }
  await query('analyze ledger_customers, ledger_access')
}
