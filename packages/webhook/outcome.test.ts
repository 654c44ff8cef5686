import { expect, test } from 'vitest'
import { classifyError } from './classify.ts'
import { type Blame, blames, type FailureKind, failures, isOwnFault, type Outcome } from './outcome.ts'

/** The party that each kind counts against; a new kind fails the test until it has a row here. */
const expected: Readonly<Record<Blame, readonly FailureKind[]>> = {
  destination: [
    'redirected',
    'refused_by_destination',
    'gone',
    'throttled',
    'destination_failed',
    'response_too_large',
    'connection_reset',
    'response_timeout',
    'protocol_error',
  ],
  host: [
    'dns_failed',
    'connection_refused',
    'network_unreachable',
    'connect_timeout',
    'tls_expired',
    'tls_name_mismatch',
    'tls_untrusted',
    'tls_failed',
  ],
  own: [
    'address_blocked',
    'port_blocked',
    'url_invalid',
    'client_certificate_invalid',
    'client_certificate_refused',
    'authorization_failed',
    'publish_failed',
    'processor_failed',
    'worker_failed',
  ],
  none: ['event_expired', 'destination_deleted'],
}

test('each failure counts against one party', () => {
  const blamed = Object.fromEntries(Object.keys(expected).map(blame => [blame, [] as string[]]))
  for (const kind of Object.keys(failures) as FailureKind[]) blamed[blames({ kind })]!.push(kind)
  for (const [blame, kinds] of Object.entries(expected))
    expect(blamed[blame]!.sort()).toEqual(kinds.toSorted())
  expect(blames({ kind: 'delivered', status: 200 })).toBe('none')
})

test.each([
  ['a client certificate that is none', { code: 'FAIRLEAD_CLIENT_CERTIFICATE' }],
  ['a client certificate that the peer does not take', { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }],
  ['a client certificate that has expired', { code: 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED' }],
  ['no client certificate where one is wanted', { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }],
  ['a URL that can not be read', { code: 'ERR_INVALID_URL' }],
  ['a blocked port', { code: 'FAIRLEAD_PORT_BLOCKED' }],
  ['a blocked address', { code: 'FAIRLEAD_ADDRESS_BLOCKED' }],
  ['no open file left', { code: 'EMFILE' }],
  ['no local port left', { code: 'EADDRNOTAVAIL' }],
  ['an error that nobody foresaw', new TypeError('x is not a function')],
])("%s spoils nobody else's deliveries to the host", (_name, error) => {
  expect(blames(classifyError(error))).toBe('own')
})

test('a certificate that may be replaced before the next attempt does not kill the delivery', () => {
  const outcome: Outcome = classifyError({ code: 'FAIRLEAD_CLIENT_CERTIFICATE' })
  expect(outcome.kind !== 'delivered' && isOwnFault(outcome.kind)).toBe(false)
})
