import { fromUuid } from '@fairlead/webhook/id'
import { type DestinationAuthentication, decodeDestinationAuth } from '@fairlead/wire/destination-auth'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import type { DesiredDestination } from '@fairlead/wire/store/destination'
import type { DesiredSource } from '@fairlead/wire/store/source'
import { StoreError } from '../store-error.ts'
import { fingerprint } from './declared.ts'
import type { StoredDestination, StoredSource } from './read.ts'

/**
 * Fills in the secrets that a write leaves out because they are stored. A secret of a destination is not carried along to
 * another origin: whoever may change a URL, and not read a secret, could have it sent to a server of their own.
 */

/** Throws a StoreError `invalid_field` for a secret that is not stored. */
export function withStoredSecrets(
  desired: DesiredSource,
  old: StoredSource | undefined,
  keyring: Keyring,
): DesiredSource {
  const stored = new Map(old?.secrets.map(row => [row.id, row.sealed]))
  const secrets = desired.secrets.map(({ $typeName, id, value }, index) => {
    if (value !== '') return { $typeName, id: id || fingerprint(value, keyring), value }
    const sealed = stored.get(id)
    if (!old || sealed === undefined) throw missing(`secrets[${index}].value`, `no secret ${id} is stored`)
    const seal = sealContext.sourceSecret(fromUuid('org', old.organization_id), old.name)
    return { $typeName, id, value: keyring.open(sealed, seal) }
  })
  return { ...desired, secrets }
}

/** Throws a StoreError `invalid_field` for a secret that is not stored, or that would go elsewhere. */
export function withStoredCredentials(
  desired: DesiredDestination,
  old: StoredDestination | undefined,
  keyring: Keyring,
): DesiredDestination {
  const isElsewhere = old !== undefined && originOf(old.url) !== originOf(desired.settings?.url ?? '')
  const keep = (field: string, stored: string | undefined): string => {
    if (!stored) throw missing(field, 'none is stored')
    if (isElsewhere)
      throw missing(field, 'it is not sent to another origin than before unless you give it anew')
    return stored
  }
  const headers = desired.headers.map((header, index) => {
    if (header.value !== '') return header
    const row = old?.headers.find(({ id }) => id === header.id)
    const seal = old && sealContext.destinationHeader(fromUuid('org', old.organization_id), old.name)
    return {
      ...header,
      value: keep(`headers[${index}].value`, row && seal && keyring.open(row.sealed, seal)),
    }
  })
  if (desired.auth === '') return { ...desired, headers }
  const before = storedAuth(old, keyring)
  const auth = readAuth(desired.auth).map((one, index, all) => {
    const place = all.slice(0, index).filter(({ kind }) => kind === one.kind).length
    return withStoredAuth(
      one,
      before.filter(({ kind }) => kind === one.kind)[place],
      `auth[${index}].${one.kind}`,
      keep,
    )
  })
  return { ...desired, headers, auth: JSON.stringify(auth) }
}

type Keep = (field: string, stored: string | undefined) => string

function withStoredAuth(
  wanted: DestinationAuthentication,
  stored: DestinationAuthentication | undefined,
  field: string,
  keep: Keep,
): DestinationAuthentication {
  switch (wanted.kind) {
    case 'basic': {
      const old = stored?.kind === wanted.kind ? stored : undefined
      return { ...wanted, password: wanted.password || keep(`${field}.password`, old?.password) }
    }
    case 'bearer': {
      const old = stored?.kind === wanted.kind ? stored : undefined
      return { ...wanted, token: wanted.token || keep(`${field}.token`, old?.token) }
    }
    case 'mtls': {
      const old = stored?.kind === wanted.kind ? stored : undefined
      return {
        ...wanted,
        certPem: wanted.certPem || keep(`${field}.certificate`, old?.certPem),
        keyPem: wanted.keyPem || keep(`${field}.key`, old?.keyPem),
      }
    }
    case 'oauth2': {
      const old = stored?.kind === wanted.kind ? stored : undefined
      if (wanted.clientSecret) return wanted
      if (old && originOf(old.tokenUrl) !== originOf(wanted.tokenUrl)) {
        throw missing(`${field}.clientSecret`, 'it is not sent to another tokenUrl unless you give it anew')
      }
      return { ...wanted, clientSecret: keep(`${field}.clientSecret`, old?.clientSecret) }
    }
    default:
      throw new TypeError(`unknown authentication ${wanted satisfies never}`)
  }
}

function storedAuth(old: StoredDestination | undefined, keyring: Keyring): DestinationAuthentication[] {
  const [row] = old?.auths ?? []
  if (!old || !row) return []
  const seal = sealContext.destinationAuth(fromUuid('org', old.organization_id), old.name)
  return decodeDestinationAuth(keyring.open(row.sealed, seal))
}

function readAuth(text: string): DestinationAuthentication[] {
  try {
    return decodeDestinationAuth(text)
  } catch {
    throw missing('auth', 'it is not what packages/wire/destination-auth.ts describes')
  }
}

const originOf = (url: string): string => URL.parse(url)?.origin ?? ''

function missing(field: string, why: string): StoreError {
  return new StoreError('invalid_field', `${field}: give it: ${why}`, { field })
}
