import { CommandError } from '../command-error.ts'
import type { Resource } from '../declared-source.ts'
import { type Kubectl, KubectlRefusal } from './kubectl.ts'
import type { ServiceName } from './port-forward.ts'

/** The parts of Fairlead that answer HTTP, as the chart labels their Services. */
export type Part = 'api' | 'receiver'

/** Where Fairlead is usually installed: looked at where Services of all namespaces may not be listed. */
const usualNamespace = 'fairlead'

/**
 * The Service of a part: in the namespace that was given, else in all of them, else (where that is forbidden) in the
 * context's and in `fairlead`.
 * @throws CommandError where there is none, where there are several, or where looking is forbidden
 */
export async function findService(
  kubectl: Kubectl,
  part: Part,
  namespace: string | undefined,
): Promise<ServiceName> {
  const selector = encodeURIComponent(`app.kubernetes.io/name=fairlead,app.kubernetes.io/component=${part}`)
  const list = async (scope: string): Promise<ServiceName[]> => {
    const path = `/api/v1${scope}/services?labelSelector=${selector}`
    const { items } = (await kubectl.get(path)) as { items: readonly { metadata: ServiceName }[] }
    return items.map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name }))
  }
  const places = namespace === undefined ? [kubectl.namespace, usualNamespace] : [namespace]
  const inPlaces = async () => {
    const unique = [...new Set(places)]
    const found = await Promise.allSettled(unique.map(place => list(`/namespaces/${place}`)))
    const services = found.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
    const refused = found.find(result => result.status === 'rejected')
    if (services.length === 0 && refused) throw refused.reason
    return services
  }
  try {
    const services = namespace === undefined ? await list('').catch(onForbidden(inPlaces)) : await inPlaces()
    return chooseService(services, part, namespace)
  } catch (error) {
    if (!(error instanceof KubectlRefusal)) throw error
    throw new CommandError(
      `Fairlead's Service can't be looked for: ${error.message}\n` +
        'Say where it is with --fairlead-namespace, or give the API’s address with --url.',
      undefined,
      { cause: error },
    )
  }
}

function onForbidden<T>(otherwise: () => Promise<T>): (error: unknown) => Promise<T> {
  return async error => {
    if (error instanceof KubectlRefusal && error.reason === 'Forbidden') return await otherwise()
    throw error
  }
}

function chooseService(
  services: readonly ServiceName[],
  part: Part,
  namespace: string | undefined,
): ServiceName {
  const [first, ...others] = services
  if (first && others.length === 0) return first
  if (first) {
    const list = services.map(({ namespace, name }) => `${namespace}/${name}`).join(', ')
    throw new CommandError(
      `There is more than one Fairlead: ${list}. Choose with --fairlead-namespace, or give --url`,
    )
  }
  throw new CommandError(
    `No Service of Fairlead's ${part} was found${namespace === undefined ? '' : ` in the namespace ${namespace}`}: ` +
      'is it installed in this cluster (--context)? --fairlead-namespace says where to look',
  )
}

/** An Organization as far as the plugin reads it. */
export interface OrganizationResource extends Resource {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly status?: { readonly secretName?: string }
}

/**
 * The Organization that is meant: by name or slug, else the only one of the namespace.
 * @throws CommandError where there is none or it isn't clear which, or reading them is forbidden
 */
export async function findOrganization(
  kubectl: Kubectl,
  namespace: string,
  wanted: string | undefined,
): Promise<OrganizationResource> {
  const path = `/apis/fairlead.dev/v1alpha1/namespaces/${encodeURIComponent(namespace)}/organizations`
  const { items } = await read<{ items: readonly OrganizationResource[] }>(kubectl, path, {
    NotFound: 'This cluster knows no Organizations: is Fairlead installed in it (--context)?',
    Forbidden: `You may not list Organizations in the namespace ${namespace}: choose another with --namespace`,
  })
  const names = items.map(({ metadata }) => metadata.name).join(', ')
  if (wanted !== undefined) {
    const found =
      items.find(({ metadata }) => metadata.name === wanted) ?? items.find(one => slugOf(one) === wanted)
    if (found) return found
    const there = names ? `; there are ${names}` : ''
    throw new CommandError(`There is no Organization ${wanted} in the namespace ${namespace}${there}`)
  }
  const [only, ...others] = items
  if (!only)
    throw new CommandError(
      `There is no Organization in the namespace ${namespace}: choose one with --namespace`,
    )
  if (others.length > 0) throw new CommandError(`Say which Organization: --organization, one of ${names}`)
  return only
}

export function slugOf({ metadata, spec }: OrganizationResource): string {
  return spec?.slug ?? metadata.name
}

/**
 * The organization's API key.
 * @throws CommandError where its Secret isn't there or may not be read
 */
export async function readApiKey(kubectl: Kubectl, organization: OrganizationResource): Promise<string> {
  const { name, namespace } = organization.metadata
  const secret = organization.status?.secretName ?? `${name}-fairlead`
  const notYet =
    `The Organization ${namespace}/${name} has no API key yet (Secret ${secret}): ` +
    `kubectl describe organization ${name} -n ${namespace} says why`
  const { data } = await readSecret(kubectl, namespace, secret, notYet)
  const encoded = data?.['api-key']
  if (typeof encoded !== 'string') throw new CommandError(notYet)
  return Buffer.from(encoded, 'base64').toString()
}

/** @throws CommandError where it isn't there (`missing`) or may not be read */
export async function readSecret(
  kubectl: Kubectl,
  namespace: string,
  name: string,
  missing: string,
): Promise<Resource> {
  return await read<Resource>(kubectl, `/api/v1/namespaces/${namespace}/secrets/${name}`, {
    NotFound: missing,
    Forbidden: `You may not read the Secret ${namespace}/${name}`,
  })
}

async function read<T>(
  kubectl: Kubectl,
  path: string,
  sentences: Readonly<Record<'NotFound' | 'Forbidden', string>>,
): Promise<T> {
  try {
    return (await kubectl.get(path)) as T
  } catch (error) {
    if (!(error instanceof KubectlRefusal)) throw error
    const sentence = error.reason in sentences ? sentences[error.reason as 'NotFound'] : error.message
    throw new CommandError(sentence, undefined, { cause: error })
  }
}
