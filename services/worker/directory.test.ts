import { anOrganization, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { expect, test } from 'vitest'
import { openDirectory } from './directory.ts'
import { isForsaken } from './partitions/partition.ts'

const config = anOrganization('acme')

test('events of an organization whose configuration can not be read wait, however long', () => {
  const directory = openDirectory(openKeyring(testEncryptionKeys), () => {})
  const forsaken = (deliveries: number) => isForsaken(config.id, deliveries, directory)
  expect(forsaken(1)).toBe(false)
  expect(forsaken(21)).toBe(true)
  directory.unreadable(config.id)
  expect(forsaken(1_000)).toBe(false)
  directory.put(config, 1)
  expect(directory.isUnreadable(config.id)).toBe(false)
  directory.unreadable(config.id)
  directory.remove(config.id)
  expect(forsaken(1)).toBe(true)
})

test('a header of a destination’s own neither spoils the signature nor is shown as sent though it is not', () => {
  const names = [
    'Host',
    'Content-Length',
    'Webhook-Signature',
    'fairlead-organization',
    'x-own',
    'traceparent',
  ]
  const keyring = openKeyring(testEncryptionKeys)
  const plain = anOrganization('acme', { destinations: [{ name: 'billing' }] })
  const context = sealContext.destinationHeader(plain.id, 'billing')
  const headers = names.map(name => ({ name, sealed: keyring.seal('of their own', context) }))
  const directory = openDirectory(keyring, () => {})
  directory.put({ ...plain, destinations: [{ ...plain.destinations[0]!, headers }] }, 1)
  const destination = directory.destination(plain.id, plain.destinations[0]!.id)!
  expect(destination.extraHeaders).toEqual(['x-own', 'of their own', 'traceparent', 'of their own'])
  expect(destination.tellsTrace).toBe(false)
})

test('a configuration sealed with a missing key leaves the last readable one in force', () => {
  const directory = openDirectory(openKeyring(testEncryptionKeys), () => {})
  directory.put(config, 1)
  const other = openKeyring(`other:${Buffer.alloc(32, 7).toString('base64')}`)
  const sealed = { id: 'first', sealed: other.seal('whsec_dGVzdA==', 'anything') }
  expect(() => directory.put({ ...config, signingSecrets: [sealed] }, 2)).toThrow()
  expect(directory.organization(config.id)?.revision).toBe(1)
})
