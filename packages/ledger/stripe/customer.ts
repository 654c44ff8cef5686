import { flagAt, objectAt, requiredId, secondsAt, textAt } from '../read.ts'
import { currencyAt, moneyAt, type Reader } from './objects.ts'
import { referenceOf } from './subscription.ts'

export const readCustomer: Reader<'customer'> = (object, deleted) => {
  const address = objectAt(object, 'address')
  return {
    kind: 'customer',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      createdAt: secondsAt(object, 'created'),
      reference: referenceOf(object),
      currency: currencyAt(object),
      balance: moneyAt(object, 'balance') ?? moneyAt(object, 'account_balance'),
      delinquent: flagAt(object, 'delinquent'),
      deleted,
    },
    complete: true,
    personal: {
      email: textAt(object, 'email'),
      name: textAt(object, 'name'),
      phone: textAt(object, 'phone'),
      country: address && textAt(address, 'country'),
    },
    links: [],
    terms: [],
  }
}

/** What a connected account can do. Whether it is connected, other events tell: see event.ts. */
export const readAccount: Reader<'account'> = object => {
  const currency = textAt(object, 'default_currency')
  return {
    kind: 'account',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      chargesEnabled: flagAt(object, 'charges_enabled'),
      currency: currency?.toUpperCase() ?? null,
    },
    complete: true,
    links: [],
    terms: [],
  }
}
