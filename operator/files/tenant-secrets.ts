import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { secretSchema } from '../organization/schema.ts'

/**
 * Tenants' Secrets without Kubernetes: `<folder>/<namespace>/<name>.yaml`, each a Secret document as Kubernetes has
 * it, with mode 600 in folders with mode 700.
 */
export interface TenantSecrets {
  /** The data in plain text; undefined if there is no such file. Rejects if it can't be read. */
  read(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>
  /** Whole or not at all, and on the disk when it resolves: keys that the store knows must not be lost. */
  write(namespace: string, name: string, data: Readonly<Record<string, string>>): Promise<void>
  remove(namespace: string, name: string): Promise<void>
}

export function openTenantSecrets(folder: string): TenantSecrets {
  const pathOf = (namespace: string, name: string) => join(folder, namespace, `${name}.yaml`)
  return {
    async read(namespace, name) {
      try {
        return secretSchema.parse(parse(await readFile(pathOf(namespace, name), 'utf8'))).stringData
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async write(namespace, name, data) {
      const path = pathOf(namespace, name)
      const document = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: data }
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const partial = `${path}.${randomUUID()}.partial`
      try {
        await using file = await open(partial, 'wx', 0o600)
        await file.writeFile(stringify(document, { lineWidth: 0 }))
        await file.sync()
        await rename(partial, path)
      } catch (error) {
        await rm(partial, { force: true })
        throw error
      }
    },
    remove: (namespace, name) => rm(pathOf(namespace, name), { force: true }),
  }
}
