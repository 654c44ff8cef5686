import { type Organization, slugOfOrganization } from './schema.ts'
import type { SourceSpec } from './spec-parts.ts'

/**
 * The URL that a source's provider posts to: the source's own option, else a path below the installation's public URL.
 *
 * @param publicUrl FAIRLEAD_PUBLIC_URL, without a slash at its end
 */
export function urlOfSource(
  organization: Organization,
  { name, options }: Pick<SourceSpec, 'name' | 'options'>,
  publicUrl: string,
): string {
  return options?.publicUrl ?? `${publicUrl}/webhooks/${slugOfOrganization(organization)}/${name}`
}
