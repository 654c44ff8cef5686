import { parseAllDocuments } from 'yaml'
import type { ApiCalls } from './api-call.ts'

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

interface Resource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}

/**
 * Lets an API server look at manifests as if it made what they say. Answers with the kind and name of each object; rejects with all
 * that it refuses or warns of, each in a line.
 */
export function openDryRun({ call, dryRun }: ApiCalls): (manifests: string) => Promise<string[]> {
  /** By group and version. */
  const known = new Map<string, Promise<readonly Resource[]>>()
  const baseOf = (apiVersion: string) =>
    apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const resourcesOf = async (apiVersion: string): Promise<readonly Resource[]> =>
    ((await call('GET', baseOf(apiVersion))) as { resources: Resource[] }).resources
  const pathOf = async ({ apiVersion, kind, metadata }: Manifest): Promise<string> => {
    const resources = known.get(apiVersion) ?? resourcesOf(apiVersion)
    known.set(apiVersion, resources)
    // Such as deployments, and not deployments/status.
    const found = (await resources).find(resource => resource.kind === kind && !resource.name.includes('/'))
    if (!found) throw new Error(`the API server knows no ${kind} of ${apiVersion}`)
    const within = found.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''
    return `${baseOf(apiVersion)}${within}/${found.name}`
  }
  return async manifests => {
    // As the API server's own tools read them.
    const objects = [...parseAllDocuments(manifests, { version: '1.1' })].flatMap(
      document => (document.toJS() as Manifest | null) ?? [],
    )
    const looked = await Promise.allSettled(
      objects.map(async object => await dryRun(await pathOf(object), object)),
    )
    const faults = looked.flatMap((look, at) =>
      look.status === 'rejected' ? `${objects[at]!.kind}/${objects[at]!.metadata.name}: ${look.reason}` : [],
    )
    if (faults.length > 0) throw new Error(faults.join('\n'))
    return objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
  }
}
