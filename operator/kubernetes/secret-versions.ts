import type { OrganizationKey } from '../organization/declared.ts'

/**
 * Versions of Secrets, `namespace/name`, as a watch reports them, and which Organizations each concerns. The operator's own
 * writes come back by the watch too, before or after they are answered, and don't count as changes.
 */
export interface SecretVersions {
  /** From now on these Secrets concern an Organization, and no others do. */
  setSecretsOf(key: OrganizationKey, secrets: readonly string[]): void
  /** A version was seen; undefined: the Secret is gone. Answers with the Organizations that this is news for. */
  seen(secret: string, version: string | undefined): readonly OrganizationKey[]
  /** The newest version that was seen or written; undefined: there is no such Secret. */
  versionOf(secret: string): string | undefined
  /**
   * Writes a Secret and notes its version, with which it answers.
   *
   * @param write answers with the version that it made
   * @param onDisturbed someone else wrote it meanwhile; called also where the write failed
   */
  whileWriting(secret: string, write: () => Promise<string>, onDisturbed: () => void): Promise<string>
  /** Forgets that the operator wrote it. */
  disown(secret: string): void
}

export function openSecretVersions(): SecretVersions {
  const concerned = new Map<string, Set<OrganizationKey>>()
  const secretsOf = new Map<OrganizationKey, readonly string[]>()
  const versions = new Map<string, string>()
  /** Versions that the operator itself wrote. */
  const own = new Map<string, string>()
  /** Secrets that are being written: whether a version is the operator's own isn't known yet. */
  const writing = new Set<string>()
  return {
    setSecretsOf(key, secrets) {
      for (const secret of secretsOf.get(key) ?? []) {
        const keys = concerned.get(secret)
        keys?.delete(key)
        if (keys?.size === 0) concerned.delete(secret)
      }
      if (secrets.length === 0) secretsOf.delete(key)
      else secretsOf.set(key, secrets)
      for (const secret of secrets) concerned.set(secret, (concerned.get(secret) ?? new Set()).add(key))
    },
    seen(secret, version) {
      const isOwn = version !== undefined && own.get(secret) === version
      const isNews = versions.get(secret) !== version && !isOwn
      if (version === undefined) versions.delete(secret)
      else versions.set(secret, version)
      return isNews && !writing.has(secret) ? [...(concerned.get(secret) ?? [])] : []
    },
    versionOf: secret => versions.get(secret),
    async whileWriting(secret, write, onDisturbed) {
      const before = versions.get(secret)
      writing.add(secret)
      try {
        const version = await write()
        own.set(secret, version)
        // The watch tells of it later, or has told of a newer one.
        if (versions.get(secret) === before) versions.set(secret, version)
        return version
      } finally {
        writing.delete(secret)
        const now = versions.get(secret)
        if (now !== before && now !== own.get(secret)) onDisturbed()
      }
    },
    disown: secret => void own.delete(secret),
  }
}
