import type { Money } from '@fairlead/client/gen/client'

/** `1999 USD` with two decimals is `19.99 USD`. Digits are moved, not divided: no amount loses one. */
export function moneyText(money: Money | null | undefined): string {
  if (!money) return '–'
  const { amount, currency, exponent } = money
  const digits = String(Math.abs(amount)).padStart(exponent + 1, '0')
  const cut = digits.length - exponent
  const text = exponent === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`
  return `${amount < 0 ? '-' : ''}${text} ${currency}`
}

/** A share such as `0.041667` as `4.2 %`; nothing to divide by is –. */
export function shareText(share: string | null): string {
  return share === null ? '–' : `${(Number(share) * 100).toFixed(1)} %`
}
