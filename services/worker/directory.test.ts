import { anOrganization, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { openKeyring } from '@fairlead/wire/seal'
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

test('a configuration sealed with a missing key leaves the last readable one in force', () => {
  const directory = openDirectory(openKeyring(testEncryptionKeys), () => {})
  directory.put(config, 1)
  const other = openKeyring(`other:${Buffer.alloc(32, 7).toString('base64')}`)
  const sealed = { id: 'first', sealed: other.seal('whsec_dGVzdA==', 'anything') }
  expect(() => directory.put({ ...config, signingSecrets: [sealed] }, 2)).toThrow()
  expect(directory.organization(config.id)?.revision).toBe(1)
})
