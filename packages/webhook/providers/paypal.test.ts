import { beforeAll, describe, expect, test } from 'vitest'
import { aCertificate, type Certified, type Wanted } from '../fuzz/a-certificate-authority.ts'
import { openScheme } from '../open.ts'
import { sampleRequest } from '../sample-request.ts'
import type { KeyFetch, WebhookRequest } from '../scheme.ts'
import { findProvider } from './table.ts'

const nowMs = Date.parse('2026-05-02T09:00:00Z')
const webhookId = '8PT597110X687430LKGECATA'
const certUrl = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77'

let root: Certified
let intermediate: Certified
let leaf: Certified

beforeAll(() => {
  root = aCertificate({ commonName: 'Test Root', isCa: true })
  intermediate = aCertificate({ commonName: 'Test Intermediate', isCa: true, issuer: root })
  leaf = aLeaf({})
})

function aLeaf(wanted: Partial<Wanted>): Certified {
  const name = 'messageverificationcerts.paypal.com'
  return aCertificate({ commonName: name, names: [name], issuer: intermediate, ...wanted })
}

function signed(by: Certified = leaf): WebhookRequest {
  return sampleRequest('paypal', {
    options: { webhookId },
    nowMs,
    random: () => 0.4,
    privateKey: by.privateKey,
  })
}

/** Opens PayPal's scheme with the test's own root, and a key fetch that answers with these certificates. */
function paypal(chain: readonly Certified[], fetched: string[] = []) {
  const keys: KeyFetch = async url => {
    fetched.push(url)
    return chain.map(({ certificate }) => certificate).join('')
  }
  return openScheme({ provider: 'paypal', secrets: [], options: { webhookId } }, keys, [root.certificate])
}

const withHeader = (request: WebhookRequest, name: string, value: string): WebhookRequest => ({
  ...request,
  headers: { ...request.headers, [name]: value },
})

test('a request whose certificate leads to a trusted root is accepted', async () => {
  const fetched: string[] = []
  expect(await paypal([leaf, intermediate], fetched).verify(signed(), nowMs)).toEqual({ kind: 'valid' })
  expect(fetched).toEqual([certUrl])
})

test('an address counts as proven only by a right signature', async () => {
  const proven: string[] = []
  const keys: KeyFetch = Object.assign(async () => leaf.certificate + intermediate.certificate, {
    prove: (url: string) => void proven.push(url),
  })
  const config = { provider: 'paypal', secrets: [], options: { webhookId } }
  const scheme = openScheme(config, keys, [root.certificate])
  const forged = withHeader(signed(), 'paypal-transmission-id', 'another')
  expect(await scheme.verify(forged, nowMs)).toMatchObject({ reason: 'signature_mismatch' })
  expect(proven).toEqual([])
  await scheme.verify(signed(), nowMs)
  expect(proven).toEqual([certUrl])
})

test('the order of the intermediates doesn’t matter, and the root may be sent along', async () => {
  expect(await paypal([leaf, root, intermediate]).verify(signed(), nowMs)).toEqual({ kind: 'valid' })
})

test('the name may stand in the common name alone', async () => {
  const plain = aLeaf({ names: [] })
  expect(await paypal([plain, intermediate]).verify(signed(plain), nowMs)).toEqual({ kind: 'valid' })
})

describe('a certificate isn’t trusted', () => {
  test.each<[string, () => Certified[], string]>([
    [
      'that another root has issued',
      () => {
        const other = aCertificate({ commonName: 'Test Root', isCa: true })
        const issued = aLeaf({ issuer: other })
        return [issued, other]
      },
      'trusted root',
    ],
    [
      'that signed itself',
      () => [aCertificate({ commonName: 'api.paypal.com', names: ['api.paypal.com'] })],
      'trusted root',
    ],
    ['whose issuer is missing', () => [leaf], 'trusted root'],
    [
      'whose issuer is no CA',
      () => {
        const notCa = aCertificate({ commonName: 'Not a CA', issuer: root })
        return [aLeaf({ issuer: notCa }), notCa]
      },
      'trusted root',
    ],
    [
      'for another name',
      () => [aLeaf({ commonName: 'x', names: ['paypal.com.evil.example'] }), intermediate],
      'another name',
    ],
    [
      'for a name that only ends alike',
      () => [aLeaf({ commonName: 'x', names: ['evilpaypal.com'] }), intermediate],
      'another name',
    ],
    [
      'with PayPal’s name only beside its own names',
      () => [aLeaf({ commonName: 'api.paypal.com', names: ['evil.example'] }), intermediate],
      'another name',
    ],
    ['that has expired', () => [aLeaf({ notAfter: '20260501000000Z' }), intermediate], 'expired'],
    ['that isn’t valid yet', () => [aLeaf({ notBefore: '20260503000000Z' }), intermediate], 'expired'],
    [
      'whose intermediate has expired',
      () => {
        const old = aCertificate({ commonName: 'Old', isCa: true, issuer: root, notAfter: '20260501000000Z' })
        return [aLeaf({ issuer: old }), old]
      },
      'expired',
    ],
    ['whose key isn’t RSA', () => [aLeaf({ key: 'ec' }), intermediate], 'RSA'],
    ['in a bundle of eleven', () => [leaf, intermediate, ...Array<Certified>(9).fill(root)], 'can’t be read'],
  ])('%s', async (_title, make, part) => {
    // The chain is checked before the signature, so any key may sign here.
    expect(await paypal(make()).verify(signed(), nowMs)).toMatchObject({
      reason: 'certificate_untrusted',
      detail: expect.stringContaining(part),
    })
  })

  test('that isn’t one', async () => {
    const verdict = await paypal([{ certificate: '<html>', privateKey: '' }]).verify(signed(), nowMs)
    expect(verdict).toMatchObject({ reason: 'certificate_untrusted' })
  })

  test('once its validity has ended, though the chain was trusted before', async () => {
    const short = aLeaf({ notAfter: '20260502100000Z' })
    const scheme = paypal([short, intermediate])
    expect(await scheme.verify(signed(short), nowMs)).toEqual({ kind: 'valid' })
    expect(await scheme.verify(signed(short), nowMs + 2 * 3_600_000)).toMatchObject({
      reason: 'certificate_untrusted',
    })
  })
})

describe('nothing is fetched from an address that isn’t PayPal’s', () => {
  test.each([
    'http://api.paypal.com/cert',
    'https://api.paypal.com.evil.example/cert',
    'https://evilpaypal.com/cert',
    'https://paypal.com@evil.example/cert',
    'https://evil.example/?api.paypal.com',
    'https://evil.example/#.paypal.com',
    'https://api.paypal.com:8443/cert',
    'https://user@api.paypal.com/cert',
    'https://api.paypal.com./cert',
    'https://api.paypal.com\\@evil.example/cert',
    'https://169.254.169.254/paypal.com',
    'file:///etc/paypal.com',
    'not an URL',
  ])('%s', async url => {
    const fetched: string[] = []
    const request = withHeader(signed(), 'paypal-cert-url', url)
    const verdict = await paypal([leaf, intermediate], fetched).verify(request, nowMs)
    // URL parsers read a backslash as a slash, and the parsed host is compared: here that is PayPal's.
    const isPayPals = URL.parse(url)?.hostname === 'api.paypal.com' && url.includes('\\')
    if (isPayPals) return expect(fetched).toHaveLength(1)
    expect(verdict).toMatchObject({ reason: 'certificate_untrusted' })
    expect(fetched).toEqual([])
  })

  test('PayPal’s own hosts are allowed', async () => {
    for (const host of ['api.paypal.com', 'api.sandbox.paypal.com', 'paypal.com', 'API.PayPal.com']) {
      const request = withHeader(signed(), 'paypal-cert-url', `https://${host}/cert`)
      expect(await paypal([leaf, intermediate]).verify(request, nowMs)).toEqual({ kind: 'valid' })
    }
  })
})

describe('a request is refused', () => {
  test.each<[string, (request: WebhookRequest) => WebhookRequest, string]>([
    ['with another body', request => ({ ...request, body: Buffer.from('{}') }), 'signature_mismatch'],
    ['with another id', request => withHeader(request, 'paypal-transmission-id', 'x'), 'signature_mismatch'],
    [
      'with another time',
      request => withHeader(request, 'paypal-transmission-time', '2026-01-01T00:00:00Z'),
      'signature_mismatch',
    ],
    [
      'that asks for SHA-1',
      request => withHeader(request, 'paypal-auth-algo', 'SHA1withRSA'),
      'algorithm_not_allowed',
    ],
    [
      'whose signature isn’t base64',
      request => withHeader(request, 'paypal-transmission-sig', '!'),
      'signature_malformed',
    ],
    [
      'without a signature',
      request => withHeader(request, 'paypal-transmission-sig', ''),
      'signature_missing',
    ],
    ['without a time', request => withHeader(request, 'paypal-transmission-time', ''), 'timestamp_missing'],
  ])('%s', async (_title, change, reason) => {
    expect(await paypal([leaf, intermediate]).verify(change(signed()), nowMs)).toMatchObject({ reason })
  })

  test('for another webhook id', async () => {
    const other = openScheme(
      { provider: 'paypal', secrets: [], options: { webhookId: 'OTHER' } },
      async () => leaf.certificate + intermediate.certificate,
      [root.certificate],
    )
    expect(await other.verify(signed(), nowMs)).toMatchObject({ reason: 'signature_mismatch' })
  })

  test('while the certificate can’t be fetched, saying so', async () => {
    const down = openScheme(
      { provider: 'paypal', secrets: [], options: { webhookId } },
      () => Promise.reject(new Error('api.paypal.com can’t be reached.')),
      [root.certificate],
    )
    expect(await down.verify(signed(), nowMs)).toMatchObject({
      reason: 'key_unavailable',
      detail: expect.stringContaining('reached'),
    })
  })

  test('when the source bounds the time, and it is old', async () => {
    const scheme = openScheme(
      { provider: 'paypal', secrets: [], options: { webhookId }, toleranceSeconds: 300 },
      async () => leaf.certificate + intermediate.certificate,
      [root.certificate],
    )
    expect(await scheme.verify(signed(), nowMs + 300_000)).toEqual({ kind: 'valid' })
    expect(await scheme.verify(signed(), nowMs + 302_000)).toMatchObject({
      reason: 'timestamp_out_of_tolerance',
    })
  })
})

test('Node’s own roots are the default, and don’t trust the test’s', async () => {
  const scheme = openScheme(
    { provider: 'paypal', secrets: [], options: { webhookId } },
    async () => leaf.certificate + intermediate.certificate,
  )
  expect(await scheme.verify(signed(), nowMs)).toMatchObject({ reason: 'certificate_untrusted' })
  expect(findProvider('paypal')?.provenance.scheme).toBe('read')
})
