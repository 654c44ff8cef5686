import { openScheme } from '@fairlead/webhook/open'
import { SchemeError } from '@fairlead/webhook/verify/scheme-error'
import type { SecretRef } from '@fairlead/wire/declared/field'
import type { ConditionReason } from './condition-types.ts'
import type { Organization } from './schema.ts'
import { refsOfDestination, secretId } from './secret-refs.ts'
import type { SourceSpec } from './spec-parts.ts'

/** A part of a spec that can't be put in force as declared. */
export interface Unresolved {
  readonly kind: 'source' | 'destination' | 'hydration'
  readonly name: string
  readonly reason: Extract<ConditionReason, 'SecretMissing' | 'SourceInvalid'>
  /** A sentence without its end; never holds a secret. */
  readonly message: string
}

/** Active sources and destinations of a spec, and keys of its ledger, that lack their secrets, or can't work with them. Pure. */
export function unresolvedOf(
  { spec }: Organization,
  secrets: ReadonlyMap<string, string>,
): readonly Unresolved[] {
  return [
    ...spec.sources.filter(({ active }) => active).flatMap(source => unresolvedSource(source, secrets)),
    ...spec.destinations
      .filter(({ active }) => active)
      .flatMap(destination =>
        missing('destination', destination.name, refsOfDestination(destination), secrets),
      ),
    ...spec.ledger.hydrate.flatMap(({ source, secretRef }) =>
      missing('hydration', source, [secretRef], secrets),
    ),
  ]
}

function unresolvedSource(source: SourceSpec, secrets: ReadonlyMap<string, string>): readonly Unresolved[] {
  const { name } = source
  const lacking = missing(
    'source',
    name,
    source.secrets.map(({ secretRef }) => secretRef),
    secrets,
  )
  if (lacking.length > 0) return lacking
  const fault = faultOf(source, secrets)
  return fault === undefined ? [] : [{ kind: 'source', name, reason: 'SourceInvalid', message: fault }]
}

/** An empty secret is a missing one. */
function missing(
  kind: Unresolved['kind'],
  name: string,
  refs: readonly SecretRef[],
  secrets: ReadonlyMap<string, string>,
): readonly Unresolved[] {
  const list = refs.filter(ref => !secrets.get(secretId(ref)))
  if (list.length === 0) return []
  const keys = [...new Set(list.map(ref => `key ${ref.key} of Secret ${ref.name}`))].join(', ')
  return [{ kind, name, reason: 'SecretMissing', message: `missing or empty: ${keys}` }]
}

/** Opens a source as the receiver will, so that its author learns of faults now. */
function faultOf(source: SourceSpec, secrets: ReadonlyMap<string, string>): string | undefined {
  const { provider, options, scheme, toleranceSeconds } = source
  try {
    openScheme({
      provider,
      secrets: source.secrets.map(({ secretRef }) => secrets.get(secretId(secretRef)) ?? ''),
      ...(options === undefined ? {} : { options }),
      ...(scheme === undefined ? {} : { scheme }),
      ...(toleranceSeconds === undefined ? {} : { toleranceSeconds }),
    })
    return undefined
  } catch (error) {
    if (error instanceof SchemeError) return error.message
    throw error
  }
}
