import { adyen } from './adyen.ts'
import { applicationRows } from './applications.ts'
import { awsSns } from './aws-sns.ts'
import { braintree } from './braintree.ts'
import { commerceRows } from './commerce.ts'
import { contentful } from './contentful.ts'
import { headerTimeRows } from './header-time.ts'
import { jwtRows } from './jwt-signed.ts'
import { mailgun } from './mailgun.ts'
import { microsoftGraph } from './microsoft-graph.ts'
import { paypal } from './paypal.ts'
import { plivo } from './plivo.ts'
import { prefixedHmacRows } from './prefixed-hmac.ts'
import type { Provider } from './provider.ts'
import { publicKeyRows } from './public-key.ts'
import { sharedTokenRows } from './shared-token.ts'
import { standardWebhooksRows } from './standard-webhooks.ts'
import { timeAndSignatureRows } from './time-and-signature.ts'
import { twilio } from './twilio.ts'
import { unsignedRows } from './unsigned.ts'
import { urlSignedRows } from './url-signed.ts'

/** Every scheme that can be named in a source, `custom` aside. A map, so that more rows cost a look-up nothing. */
const table: ReadonlyMap<string, Provider> = new Map(
  [
    ...standardWebhooksRows,
    ...timeAndSignatureRows,
    ...prefixedHmacRows,
    ...commerceRows,
    ...applicationRows,
    ...headerTimeRows,
    ...urlSignedRows,
    ...publicKeyRows,
    ...jwtRows,
    ...sharedTokenRows,
    ...unsignedRows,
    adyen,
    awsSns,
    braintree,
    contentful,
    mailgun,
    microsoftGraph,
    paypal,
    plivo,
    twilio,
  ].map(row => [row.name, row]),
)

/** All rows, by name. */
export function allProviders(): readonly Provider[] {
  return [...table.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function findProvider(name: string): Provider | undefined {
  return table.get(name)
}

/** The provider's name that is most like a mistyped name. */
export function nearestProvider(name: string): string | undefined {
  const wanted = name.toLowerCase().slice(0, 40)
  const near = [...table.keys()]
    .map(candidate => ({ candidate, distance: distanceBetween(wanted, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0]
  if (near && near.distance <= Math.max(1, Math.floor(wanted.length / 3))) return near.candidate
  return [...table.keys()].find(candidate => wanted.length > 2 && candidate.startsWith(wanted))
}

/** Levenshtein's distance. */
function distanceBetween(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(substituted, previous[j]! + 1, current[j - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
