import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

/** A source as an Organization's file declares it, with its first secret, in so far as a sample needs it. */
export interface DeclaredSource {
  readonly organization: string
  readonly name: string
  readonly provider: string
  readonly secret: string | undefined
  readonly options: Readonly<Record<string, unknown>> | undefined
  readonly scheme: unknown
}

/** Where the Organizations of `npm start` are declared. */
export function organizationsFolder(env: NodeJS.ProcessEnv): string {
  return env.FAIRLEAD_ORGANIZATIONS || fileURLToPath(new URL('../k8s/samples', import.meta.url))
}

/**
 * All sources that the files of a folder declare, with the secrets in these files. Files that can't be read are passed
 * over: `npm start` reports their faults.
 */
export function declaredSources(folder: string): DeclaredSource[] {
  return sourcesOf(readResources(folder))
}

/** The sources of Organizations, with their secrets where those are among the resources too. */
export function sourcesOf(resources: readonly Resource[]): DeclaredSource[] {
  const secrets = new Map<string, string>()
  for (const resource of resources) {
    if (resource.kind !== 'Secret') continue
    const entries = Object.entries(resource.stringData ?? {})
    for (const [key, value] of Object.entries(resource.data ?? {})) {
      entries.push([key, Buffer.from(String(value), 'base64').toString()])
    }
    for (const [key, value] of entries)
      secrets.set(secretKey(resource, resource.metadata?.name, key), String(value))
  }
  return resources
    .filter(({ kind }) => kind === 'Organization')
    .flatMap(resource =>
      (resource.spec?.sources ?? []).map(source => {
        const ref = source.secrets?.[0]?.secretRef
        return {
          organization: resource.spec?.slug ?? resource.metadata?.name ?? '',
          name: source.name ?? '',
          provider: source.provider ?? '',
          secret: ref && secrets.get(secretKey(resource, ref.name, ref.key)),
          options: source.options,
          scheme: source.scheme,
        }
      }),
    )
}

/** The fields that are read of a resource; each may be missing. */
export interface Resource {
  readonly kind?: string
  readonly metadata?: { readonly name?: string; readonly namespace?: string }
  readonly stringData?: Readonly<Record<string, unknown>>
  readonly data?: Readonly<Record<string, unknown>>
  readonly spec?: {
    readonly slug?: string
    readonly sources?: readonly {
      readonly name?: string
      readonly provider?: string
      readonly options?: Readonly<Record<string, unknown>>
      readonly scheme?: unknown
      readonly secrets?: readonly { readonly secretRef?: { readonly name?: string; readonly key?: string } }[]
    }[]
  }
}

function secretKey(resource: Resource, name: string | undefined, key: string | undefined): string {
  return `${resource.metadata?.namespace ?? 'default'}/${name}/${key}`
}

function readResources(folder: string): Resource[] {
  const resources: Resource[] = []
  for (const name of listFiles(folder)) {
    try {
      for (const document of parseAllDocuments(readFileSync(join(folder, name), 'utf8'))) {
        const resource: unknown = document.toJS({ maxAliasCount: 100 })
        if (typeof resource === 'object' && resource !== null) resources.push(resource)
      }
    } catch {}
  }
  return resources
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => /^[^.].*\.(ya?ml|json)$/i.test(name))
      .sort()
  } catch {
    return []
  }
}
