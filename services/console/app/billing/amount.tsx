import type { Money } from '@fairlead/client/gen/client'
import { moneyText } from './money.ts'

/** An amount in a column of amounts. */
export function Amount({ of }: { readonly of: Money | null }) {
  if (of === null) return <span className="muted">–</span>
  return <span className="amount">{moneyText(of)}</span>
}
