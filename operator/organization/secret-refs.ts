import type { SecretRef } from '@fairlead/wire/declared/field'
import type { Organization } from './schema.ts'
import type { DestinationSpec } from './spec-parts.ts'

/** How a secret is called in the store, in status and in logs. */
export const secretId = ({ name, key }: SecretRef): string => `${name}/${key}`

/** All Secrets that a spec names, each once. */
export function secretRefsOf({ spec }: Organization): readonly SecretRef[] {
  const refs = [
    ...spec.sources.flatMap(({ secrets }) => secrets.map(({ secretRef }) => secretRef)),
    ...spec.destinations.flatMap(refsOfDestination),
    ...spec.ledger.hydrate.map(({ secretRef }) => secretRef),
  ]
  return [...new Map(refs.map(ref => [secretId(ref), ref])).values()]
}

export function refsOfDestination({ headers, auth }: DestinationSpec): readonly SecretRef[] {
  return [...headers.map(({ secretRef }) => secretRef), ...auth.flatMap(refsOfAuth)]
}

function refsOfAuth({ basic, bearer, mtls, oauth2 }: DestinationSpec['auth'][number]): readonly SecretRef[] {
  const refs = [
    basic?.passwordRef,
    bearer?.tokenRef,
    mtls?.certificateRef,
    mtls?.keyRef,
    oauth2?.clientSecretRef,
  ]
  return refs.filter(ref => ref !== undefined)
}
