import type { Draft } from '../draft.ts'
import { type Json, objectAt, requiredId, ShapeError, textAt, timeAt } from '../read.ts'

export function readCustomer(body: Json): Draft<'customer'> {
  if (!('updated_at' in body) || !('email' in body) || 'financial_status' in body) {
    throw new ShapeError('the body is no customer')
  }
  const name = [textAt(body, 'first_name'), textAt(body, 'last_name')].filter(Boolean).join(' ')
  const address = objectAt(body, 'default_address')
  const currency = textAt(body, 'currency')
  return {
    kind: 'customer',
    objectId: requiredId(body),
    incarnation: '',
    attributes: { createdAt: timeAt(body, 'created_at'), currency, deleted: false },
    complete: true,
    personal: {
      email: textAt(body, 'email'),
      name: name || null,
      phone: textAt(body, 'phone'),
      country: address && textAt(address, 'country_code'),
    },
    links: [],
    terms: [],
  }
}

/** A deletion has no time, and so passes for no other body of a customer. */
export function readDeletedCustomer(body: Json): Draft<'customer'> {
  if ('updated_at' in body || 'created_at' in body || 'order_id' in body) {
    throw new ShapeError('the body is no deletion of a customer')
  }
  return bare(requiredId(body), { deleted: true })
}

/** A person asked to be forgotten. */
export function readRedaction(body: Json): Draft<'customer'> {
  const customer = objectAt(body, 'customer')
  if (!customer || !('orders_to_redact' in body)) throw new ShapeError('the body is no redaction')
  return bare(requiredId(customer), { redacted: true })
}

function bare(objectId: string, attributes: Draft<'customer'>['attributes']): Draft<'customer'> {
  return { kind: 'customer', objectId, incarnation: '', attributes, complete: true, links: [], terms: [] }
}

/** The shop took the app away: its installation ends until it comes again. */
export function readUninstalledShop(body: Json): Draft<'account'> {
  if (!('myshopify_domain' in body)) throw new ShapeError('the body is no shop')
  return {
    kind: 'account',
    objectId: requiredId(body),
    incarnation: '',
    attributes: { status: 'deauthorized', currency: textAt(body, 'currency') },
    complete: true,
    links: [],
    terms: [],
  }
}
