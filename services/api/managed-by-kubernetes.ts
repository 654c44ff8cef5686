import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import type { PlainDestination } from '@fairlead/wire/declared/plain'
import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import { stringify } from 'yaml'
import { ApiError, type ProblemFacts } from './problem.ts'

/**
 * A setting that a resource or a file declares is changed there. The refusal names the place and has YAML that makes the same
 * change: the fields that differ, for a server-side apply, which leaves all other fields alone.
 */
export function managedByKubernetes(
  { slug, owner }: Pick<Organization, 'slug' | 'owner'>,
  spec: Readonly<Record<string, unknown>>,
  cause?: unknown,
): ApiError {
  const resource = resourceOf(slug, owner?.kind, owner?.reference ?? '')
  const { file, ...named } = resource
  const { apiVersion, kind, ...metadata } = named
  const patch = `${howTo(file)}${stringify({ apiVersion, kind, metadata, spec })}`
  return new ApiError('managed_by_kubernetes', undefined, { cause, facts: { resource, patch } })
}

type Resource = NonNullable<ProblemFacts['resource']>

/** An owner's reference is `namespace/name`, or `file#name` (`packages/wire/proto`, OwnerKind). */
function resourceOf(slug: string, kind: OwnerKind | undefined, reference: string): Resource {
  const named = { apiVersion, kind: 'Organization' }
  if (kind === OwnerKind.KUBERNETES) {
    const [namespace = '', name = slug] = reference.split('/')
    return { ...named, namespace, name }
  }
  const at = reference.lastIndexOf('#')
  return {
    ...named,
    name: at < 0 ? slug : reference.slice(at + 1),
    file: at < 0 ? reference : reference.slice(0, at),
  }
}

const howTo = (file: string | undefined): string =>
  file === undefined
    ? '# Change the manifest that declares it; or apply this alone, which leaves all else as it is:\n' +
      '#   kubectl apply --server-side --field-manager=fairlead-edit --force-conflicts -f -\n' +
      '# Without --server-side it would take away everything that is not named here.\n'
    : `# Put these fields into ${JSON.stringify(file)}, and leave the others there as they are.\n`

/** Of a source or a destination: its name and what differs. Secrets become references to keys that have to be made. */
export function changedItem(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const changed = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  )
  return { name: before.name, ...Object.fromEntries(changed) }
}

/** The references of a source's secrets: an owner names each `<Secret>/<key>`. */
export function secretRefs(
  source: string,
  secrets: readonly { readonly id?: string | undefined }[],
): { secretRef: { name: string; key: string } }[] {
  return secrets.map(({ id }, index) => {
    const at = id?.lastIndexOf('/') ?? -1
    return id !== undefined && at > 0
      ? { secretRef: { name: id.slice(0, at), key: id.slice(at + 1) } }
      : { secretRef: { name: source, key: id ?? `secret-${index + 1}` } }
  })
}

/** The store does not know which Secrets a destination's owner names: for credentials that are given anew, Secrets have to be made. */
export function destinationWithRefs({ auth, headers, ...rest }: PlainDestination): Record<string, unknown> {
  const ref = (key: string) => ({ name: `${rest.name}-credentials`, key })
  const refs = auth.map(({ basic, bearer, mtls, oauth2 }, index) => {
    if (basic) return { basic: { username: basic.username, passwordRef: ref(`password-${index + 1}`) } }
    if (bearer) return { bearer: { tokenRef: ref(`token-${index + 1}`) } }
    if (mtls)
      return { mtls: { certificateRef: ref(`certificate-${index + 1}`), keyRef: ref(`key-${index + 1}`) } }
    const { clientSecret: _secret, ...client } = oauth2!
    return { oauth2: { ...client, clientSecretRef: ref(`client-secret-${index + 1}`) } }
  })
  const given = headers.filter(({ value }) => value !== undefined)
  const isGiven = auth.some(one =>
    /"(password|token|certificate|key|clientSecret)":/.test(JSON.stringify(one)),
  )
  return {
    ...rest,
    ...(isGiven && { auth: refs }),
    ...(given.length > 0 && {
      headers: given.map(({ name }) => ({
        name,
        secretRef: ref(name.toLowerCase().replaceAll(/[^-._a-z0-9]/g, '-')),
      })),
    }),
  }
}
