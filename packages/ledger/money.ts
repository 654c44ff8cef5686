/**
 * Money is whole minor units of a currency: `bigint` in rows, its digits in JSON. No amount is ever a floating-point number, and no
 * amount is divided by 100: currencies have 0, 2 or 3 decimals.
 *
 * Providers disagree about some currencies, so each has one number of decimals in the ledger: the finest that any provider uses,
 * which is Stripe's. ISK, UGX, HUF and TWD have two, because Stripe's amounts do (docs.stripe.com/currencies, "Special cases"); PayPal
 * writes HUF and TWD without decimals. PayPal and Shopify send decimal texts, which hold their own point.
 */

/** Digits of whole minor units, with a minus where negative: `"1999"` is 19.99 USD or 1999 JPY. */
export type Amount = `${bigint}`

/** A decimal number of minor units, at most 12 decimals, for unit prices alone: `"0.5"` USD is half a cent. */
export type UnitAmount = string

const zeroDecimal = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '))
const threeDecimal = new Set('BHD IQD JOD KWD LYD OMR TND'.split(' '))

/** Thrown for money that can't be told exactly. Normalizers turn it into a quarantine with its code as the reason. */
export class MoneyError extends Error {
  override readonly name = 'MoneyError'
  readonly code: 'amount' | 'currency'
  constructor(code: 'amount' | 'currency', message: string) {
    super(message)
    this.code = code
  }
}

/**
 * The number of decimals that amounts of a currency have in the ledger: 0, 2 or 3.
 * @param currency ISO 4217, upper case
 */
export function exponentOf(currency: string): number {
  if (zeroDecimal.has(currency)) return 0
  return threeDecimal.has(currency) ? 3 : 2
}

/**
 * Upper case of a three-letter code.
 * @throws MoneyError `currency` for anything else: there is no default currency
 */
export function currencyCode(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z]{3}$/.test(value)) {
    throw new MoneyError('currency', 'a currency is three letters of ISO 4217')
  }
  return value.toUpperCase()
}

export function amountOf(value: bigint): Amount {
  return `${value}`
}

/**
 * An integer of minor units, as Stripe sends it.
 * @throws MoneyError `amount` for a fraction, a text, or a number above 2^53 − 1, which JSON has already rounded
 */
export function fromMinorUnits(value: unknown): Amount {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new MoneyError('amount', 'an amount is an integer of minor units, at most 2^53 - 1')
  }
  return amountOf(BigInt(value))
}

/** `-12.340`: a sign, whole digits, decimals. Bounded, so that no text of a stranger takes long to read. */
const decimal = /^(-?)(\d{1,18})(?:\.(\d{1,18}))?$/

/**
 * A decimal text, as PayPal and Shopify send it, in minor units, read digit by digit.
 * @throws MoneyError `amount` for anything but a plain decimal number, or when digits beyond the currency's decimals are not zero
 */
export function fromDecimal(currency: string, text: unknown): Amount {
  const match = typeof text === 'string' ? decimal.exec(text) : null
  if (!match) throw new MoneyError('amount', 'an amount is a decimal number in a text, such as "12.34"')
  const [, sign = '', whole = '', fraction = ''] = match
  const places = exponentOf(currency)
  if (/[1-9]/.test(fraction.slice(places))) {
    throw new MoneyError('amount', `${currency} has ${places} decimals, and the amount has more`)
  }
  const magnitude = BigInt(whole + fraction.slice(0, places).padEnd(places, '0'))
  return amountOf(sign === '-' ? -magnitude : magnitude)
}

/** Without its sign: some providers send refunds and reversals negative. */
export function absolute(amount: Amount): Amount {
  const value = BigInt(amount)
  return amountOf(value < 0n ? -value : value)
}

/** A decimal number as an integer over a power of ten, exactly. */
export interface Ratio {
  readonly numerator: bigint
  readonly denominator: bigint
}

/**
 * @throws MoneyError `amount` for anything but a plain decimal number of at most 18 digits on each side of the point
 */
export function parseRatio(text: string): Ratio {
  const match = decimal.exec(text)
  if (!match) throw new MoneyError('amount', 'a plain decimal number is needed, such as "12.5"')
  const [, sign = '', whole = '', fraction = ''] = match
  const magnitude = BigInt(whole + fraction)
  return { numerator: sign === '-' ? -magnitude : magnitude, denominator: 10n ** BigInt(fraction.length) }
}

/**
 * A decimal number times a power of ten, as a decimal text without superfluous zeros.
 * @param places how many places to move the point to the right; never negative
 */
export function shiftDecimal(text: string, places: number): string {
  const match = decimal.exec(text)
  if (!match) throw new MoneyError('amount', 'a plain decimal number is needed, such as "12.5"')
  const [, sign = '', whole = '', fraction = ''] = match
  const moved = (whole + fraction.slice(0, places).padEnd(places, '0')).replace(/^0+(?=\d)/, '')
  const rest = withoutZerosAtEnd(fraction.slice(places))
  const magnitude = rest === '' ? moved : `${moved}.${rest}`
  return magnitude === '0' ? '0' : sign + magnitude
}

function withoutZerosAtEnd(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

/**
 * A fraction rounded to the nearest integer, a half to the even one: over many rows the errors cancel out.
 * @param denominator above 0
 */
export function roundHalfEven(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n
  const magnitude = negative ? -numerator : numerator
  const quotient = magnitude / denominator
  const twice = (magnitude % denominator) * 2n
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n)
  const rounded = up ? quotient + 1n : quotient
  return negative ? -rounded : rounded
}
