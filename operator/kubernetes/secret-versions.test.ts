import { expect, test } from 'vitest'
import { openSecretVersions } from './secret-versions.ts'

const acme = 'tenants/acme'
const secret = 'tenants/github'
const noOne = () => {
  throw new Error('no one else wrote it')
}

test('a version is reported once, for the Organizations that it concerns', () => {
  const versions = openSecretVersions()
  versions.setSecretsOf(acme, [secret])
  versions.setSecretsOf('tenants/beta', [secret, 'tenants/stripe'])
  expect(versions.seen(secret, '1')).toEqual([acme, 'tenants/beta'])
  expect(versions.seen(secret, '1')).toEqual([])
  versions.setSecretsOf(acme, ['tenants/other'])
  expect(versions.seen(secret, '2')).toEqual(['tenants/beta'])
  expect(versions.seen(secret, undefined)).toEqual(['tenants/beta'])
  expect(versions.seen('tenants/unknown', '3')).toEqual([])
})

test('a version that the operator wrote is not reported, whether the watch shows it before or after the answer', async () => {
  const versions = openSecretVersions()
  versions.setSecretsOf(acme, [secret])
  await versions.whileWriting(secret, async () => '1', noOne)
  expect(versions.seen(secret, '1')).toEqual([])
  expect(versions.versionOf(secret)).toBe('1')
  const early = async () => {
    expect(versions.seen(secret, '2')).toEqual([])
    return '2'
  }
  await versions.whileWriting(secret, early, noOne)
  expect(versions.versionOf(secret)).toBe('2')
  expect(versions.seen(secret, '3')).toEqual([acme])
  expect(versions.versionOf(secret)).toBe('3')
})

test('a version of another writer is reported after the write, also where the write failed', async () => {
  const versions = openSecretVersions()
  versions.setSecretsOf(acme, [secret])
  let disturbed = 0
  const onDisturbed = () => {
    disturbed++
  }
  const after = async () => {
    versions.seen(secret, '1')
    versions.seen(secret, '2')
    return '1'
  }
  await versions.whileWriting(secret, after, onDisturbed)
  expect(disturbed).toBe(1)
  const failing = async () => {
    versions.seen(secret, '3')
    throw new Error('refused')
  }
  await expect(versions.whileWriting(secret, failing, onDisturbed)).rejects.toThrow('refused')
  expect(disturbed).toBe(2)
})
