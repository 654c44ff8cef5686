import type { BillingEvent, Normalized } from './facts.ts'
import { MoneyError } from './money.ts'
import { normalizePaypal } from './paypal/event.ts'
import { type Json, parseBody, ShapeError } from './read.ts'
import { normalizeShopify } from './shopify/event.ts'
import { normalizeStripe } from './stripe/event.ts'

/**
 * The facts of one verified event. Never throws for what a provider sends: an event that can't be read is quarantined with its reason.
 * The same bytes give the same facts, whenever and through whatever source they come.
 */
export function factsOf(event: BillingEvent): Normalized {
  let body: Json
  try {
    body = parseBody(event.body)
  } catch (error) {
    return quarantined(error, 'not_json')
  }
  try {
    return normalize(event, body)
  } catch (error) {
    return quarantined(error, 'shape')
  }
}

function normalize(event: BillingEvent, body: Json): Normalized {
  switch (event.provider) {
    case 'stripe':
      return normalizeStripe(event, body)
    case 'paypal':
      return normalizePaypal(event, body)
    case 'shopify':
      return normalizeShopify(event, body)
    default:
      return event.provider satisfies never
  }
}

/** Rethrows what isn't the body's fault. */
function quarantined(error: unknown, reason: 'not_json' | 'shape'): Normalized {
  if (error instanceof MoneyError) return { kind: 'quarantined', reason: error.code, detail: error.message }
  if (error instanceof ShapeError) return { kind: 'quarantined', reason, detail: error.message }
  throw error
}
