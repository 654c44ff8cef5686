import type { OrganizationId } from '@fairlead/webhook/id'
import { openScheme } from '@fairlead/webhook/open'
import type { KeyFetch, Scheme } from '@fairlead/webhook/scheme'
import type { SourceConfig } from './config.ts'
import { type Keyring, sealContext } from './seal.ts'

/**
 * Opens a configured source's scheme with its secrets of now.
 *
 * @param fetchKey default: nothing is fetched, and requests that need a published key are answered `key_unavailable`
 * @throws SchemeError, or a WireError where a secret can't be unsealed
 */
export function openSourceScheme(
  organization: OrganizationId,
  source: SourceConfig,
  keyring: Pick<Keyring, 'open'>,
  fetchKey?: KeyFetch,
): Scheme {
  const context = sealContext.sourceSecret(organization, source.name)
  return openScheme(
    {
      provider: source.provider,
      secrets: source.secrets.map(secret => keyring.open(secret.sealed, context)),
      options: source.options,
      ...(source.scheme !== undefined && { scheme: source.scheme }),
      ...(source.toleranceSeconds !== undefined && { toleranceSeconds: source.toleranceSeconds }),
    },
    fetchKey,
  )
}
