import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
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
  /** Looks how all of them stand: `versionOf` tells. */
  look(): Promise<void>
  /** Names how a file stood when it was looked at or written last; empty: there was none. */
  versionOf(namespace: string, name: string): string
  /**
   * Whole or not at all, and on the disk when it resolves: keys that the store knows must not be lost. Answers with the
   * version that it made.
   */
  write(namespace: string, name: string, data: Readonly<Record<string, string>>): Promise<string>
  remove(namespace: string, name: string): Promise<void>
}

export function openTenantSecrets(folder: string): TenantSecrets {
  const pathOf = (namespace: string, name: string) => join(folder, namespace, `${name}.yaml`)
  const versions = new Map<string, string>()

  async function note(path: string): Promise<string> {
    const version = await versionAt(path)
    if (version === '') versions.delete(path)
    else versions.set(path, version)
    return version
  }

  return {
    async look() {
      const found = await readdir(folder, { recursive: true }).catch(() => [])
      const paths = found.filter(name => name.endsWith('.yaml')).map(name => join(folder, name))
      const there = new Set(paths)
      for (const path of versions.keys()) if (!there.has(path)) versions.delete(path)
      const left = paths.values()
      const lane = async () => {
        for (const path of left) await note(path)
      }
      await Promise.all(Array.from({ length: 16 }, lane))
    },
    versionOf: (namespace, name) => versions.get(pathOf(namespace, name)) ?? '',
    async read(namespace, name) {
      // Most names are of Secrets that the operator did not make.
      if (!versions.has(pathOf(namespace, name)) && (await note(pathOf(namespace, name))) === '')
        return undefined
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
        return await note(path)
      } catch (error) {
        await rm(partial, { force: true })
        throw error
      }
    },
    async remove(namespace, name) {
      versions.delete(pathOf(namespace, name))
      await rm(pathOf(namespace, name), { force: true })
    },
  }
}

async function versionAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ? [found.ino, found.size, found.mtimeMs].join() : ''
}
