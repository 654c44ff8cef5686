import type { Keyring } from '@fairlead/wire/seal'
import type { DesiredOrganization } from './desired.ts'

/** Raise it when `diff` makes other rows of the same desired state: else unchanged organizations keep the old rows. */
const version = 1

/**
 * Names a desired state: the same for the same state, however the keys of its objects are ordered. Keyed, because the state
 * holds secrets that could be guessed; with other encryption keys it is another, so that every seal is looked at again.
 */
export function digestOf(desired: DesiredOrganization, keyring: Keyring): Buffer {
  return keyring.digest(JSON.stringify([version, canonical(desired)]))
}

function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, canonical(field)])
}
