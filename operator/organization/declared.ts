import type { Organization } from './schema.ts'

/** Names an Organization: `namespace/name`, the same in files and in Kubernetes. */
export type OrganizationKey = string

export const keyOf = ({ metadata }: Organization): OrganizationKey => `${metadata.namespace}/${metadata.name}`

/** An Organization as it stands in a file or in the API server. */
export interface Declared {
  readonly organization: Organization
  /** Counts changes of the spec, from 1. */
  readonly generation: number
  /** It was deleted, and waits until the store has deleted its organization. */
  readonly deleting: boolean
}

export interface SecretData {
  /** Key → value, in plain text. */
  readonly data: Readonly<Record<string, string>>
  /** Whether it was made for this Organization by the operator. */
  readonly ours: boolean
}

/** Reads declarations: from a folder of files, or the Kubernetes API. */
export interface Declarations {
  /** Undefined if there is no such Organization (any more). */
  readOrganization(key: OrganizationKey): Promise<Declared | undefined>
  /** Undefined if there is no such Secret. */
  readSecret(namespace: string, name: string): Promise<SecretData | undefined>
}

/** Asks the store for the owner of a slug; `ours` says whether it is the Organization of this key. */
export type FindSlug = (key: OrganizationKey, slug: string) => Promise<SlugOwner | 'unavailable' | undefined>

export interface SlugOwner {
  readonly id: string
  readonly ours: boolean
}
