import type { Money } from '@fairlead/client/gen/client'

/**
 * An amount as the reader writes money: 1999 of 2 decimals in USD is `$19.99`. Nothing is divided, so no digit is lost.
 *
 * @param locale whose way to write; default: the browser's
 */
export function moneyText({ amount, currency, exponent }: Money, locale?: string): string {
  return priceText(String(amount), currency, exponent, locale)
}

/** A price, which may be a fraction of a minor unit: `"0.5"` in USD is `$0.005`. */
export function priceText(minorUnits: string, currency: string, exponent: number, locale?: string): string {
  const whole = wholeUnits(minorUnits, exponent)
  const decimals = whole.split('.')[1]?.length ?? 0
  return formatOf(currency, exponent, Math.max(exponent, decimals), locale).format(whole)
}

/** Minor units as whole units: the point moves by so many places. What is no decimal number is 0. */
export function wholeUnits(minorUnits: string, exponent: number): `${number}` {
  const [, sign = '', digits = '0', more = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(minorUnits) ?? []
  const padded = digits.padStart(exponent + 1, '0')
  const at = padded.length - exponent
  const fraction = padded.slice(at) + more
  return `${sign}${padded.slice(0, at)}${fraction && `.${fraction}`}` as `${number}`
}

const formats = new Map<string, Intl.NumberFormat>()

/** With the decimals that the ledger counts in, which for some currencies are others than the browser's. */
function formatOf(currency: string, least: number, most: number, locale?: string): Intl.NumberFormat {
  const key = `${currency} ${least} ${most} ${locale}`
  const known = formats.get(key)
  if (known) return known
  const made = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: least,
    maximumFractionDigits: most,
  })
  formats.set(key, made)
  return made
}

/** How often a price is asked for: `a month`, `every 3 months`, `once`. */
export function intervalText(interval: string | null, count: number | null): string {
  if (interval === null) return 'once'
  return count === null || count === 1 ? `a ${interval}` : `every ${count} ${interval}s`
}
