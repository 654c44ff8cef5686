import { type Amount, absolute, currencyCode, fromDecimal } from '../money.ts'
import { type Json, objectAt } from '../read.ts'

export interface Money {
  readonly amount: Amount
  readonly currency: string
}

/** PayPal writes money as `{total, currency}` in its first API and as `{value, currency_code}` in its second. */
export function moneyAt(holder: Json, name: string): Money | null {
  const money = objectAt(holder, name)
  return money && moneyOf(money)
}

function moneyOf(money: Json): Money {
  const currency = currencyCode(money.currency_code ?? money.currency)
  return { amount: fromDecimal(currency, money.value ?? money.total), currency }
}

/** Refunds and reversals may be negative: the ledger keeps how much, and the kind says in which direction. */
export function absoluteMoneyAt(holder: Json, name: string): Money | null {
  const money = moneyAt(holder, name)
  return money && { ...money, amount: absolute(money.amount) }
}
