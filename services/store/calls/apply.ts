import { toBinary } from '@bufbuild/protobuf'
import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, parseId } from '@fairlead/webhook/id'
import {
  type ApplyOrganizationRequest,
  ApplyOrganizationRequestSchema,
  ApplyOrganizationResponseSchema,
  type OrganizationService,
} from '@fairlead/wire/store/organization'
import { answerOf } from '../answer-errors.ts'
import { type AuditEntry, writeAudits } from '../audit.ts'
import {
  type Applied,
  type ApplyResult,
  applyOrganization,
  applyOrganizations,
  type Wanted,
} from '../organizations/apply.ts'
import { readDesired, readOwner } from '../organizations/desired.ts'
import { ownerText } from '../organizations/find-targets.ts'
import {
  destinationMessage,
  organizationMessage,
  routeMessage,
  sourceMessage,
} from '../organizations/messages.ts'
import type { OrganizationRow } from '../organizations/rows.ts'
import { isUnavailable } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, publishChange, transact } from './calls.ts'
import { write } from './write.ts'

type ApplyCalls = Pick<
  ServiceImpl<typeof OrganizationService>,
  'applyOrganization' | 'applyOrganizations' | 'findApplied'
>

const mostApplied = 256
const mostAsked = 1_000
const maxFingerprint = 256

/** Answers to owners: their organizations applied, one or many, and which of them are in force. */
export function applyCalls(calls: Calls): ApplyCalls {
  const context = () => ({ keyring: calls.keyring, nowMs: calls.now() })

  /** Tells of what was committed. */
  async function committed(applied: readonly Applied[]): Promise<void> {
    const changed = applied.filter(one => one.changed)
    const idOf = ({ organization }: Applied) => fromUuid('org', organization.id)
    await publishChange(calls, ...changed.map(idOf))
    for (const one of changed)
      calls.log.info({ organizationId: idOf(one), created: one.created }, 'organization.applied')
  }

  return {
    async applyOrganization(request, handler) {
      const { desired, ...told } = readWanted(request)
      const ofPlatform = { organizationId: '', change: request.change }
      let done: Applied | undefined
      const answer = await write(calls, handler, ofPlatform, ApplyOrganizationResponseSchema, async db => {
        const applied = await applyOrganization(db, desired, context(), told)
        done = applied
        return {
          answer: appliedMessage(applied),
          entry: applied.changed ? entryOfApply(applied, desired) : undefined,
        }
      })
      if (done) await committed([done])
      else await publishChange(calls, parseId('org', answer.organization?.id ?? '')!)
      return answer
    },

    async applyOrganizations(request, handler) {
      refuseMany('organizations', request.organizations.length, mostApplied)
      refuseTwice(request.organizations)
      const read = request.organizations.map(tryToRead)
      const wanted = read.flatMap(one => (one instanceof StoreError ? [] : [one]))
      const together = async (some: readonly Wanted[]): Promise<ApplyResult[]> => {
        if (some.length === 0) return []
        return await transact(calls, handler, 'platform', async db => {
          const results = await applyOrganizations(db, some, context())
          const entries = results.flatMap((result, place) =>
            result.kind === 'applied' && result.applied.changed
              ? [entryOfApply(result.applied, some[place]!.desired)]
              : [],
          )
          await writeAudits(db, entries, calls.now())
          return results
        })
      }
      const results: (ApplyResult | { kind: 'refused'; error: unknown })[] = await together(wanted).catch(
        async error => {
          if (isUnavailable(error) || wanted.length < 2) throw error
          // One of them holds what Postgres doesn't take: the others don't fail with it.
          return await oneByOne(wanted, together)
        },
      )
      await committed(results.flatMap(result => (result.kind === 'applied' ? [result.applied] : [])))
      const refused = read.map(one => (one instanceof StoreError ? refusalOf(one) : undefined))
      const rest = results.values()
      return { results: refused.map(refusal => refusal ?? resultMessage(rest.next().value!)) }
    },

    async findApplied({ organizations }, handler) {
      refuseMany('organizations', organizations.length, mostAsked)
      const owners = organizations.map(({ owner }) => readOwner(owner!))
      const { rows } = await transact(calls, handler, 'platform', db =>
        db.query<{ place: string; id: string }>(
          `select w.place, o.id
           from unnest($1::text[], $2::owner_kind[], $3::text[], $4::bytea[])
             with ordinality as w(slug, owner_kind, owner_reference, fingerprint, place)
           join organizations o on o.slug = w.slug and o.owner_kind = w.owner_kind
             and o.owner_reference = w.owner_reference and o.applied_fingerprint = w.fingerprint
           where o.deleted_at is null`,
          [
            organizations.map(({ slug }) => slug),
            owners.map(({ owner_kind }) => owner_kind),
            owners.map(({ owner_reference }) => owner_reference),
            organizations.map(({ fingerprint }) =>
              fingerprint === '' ? null : calls.keyring.digest(fingerprint),
            ),
          ],
        ),
      )
      const ids = new Map(rows.map(({ place, id }) => [Number(place) - 1, fromUuid('org', id)]))
      return { organizationIds: organizations.map((_, place) => ids.get(place) ?? '') }
    },
  }
}

/** Throws a StoreError `invalid_field`. */
function readWanted(request: ApplyOrganizationRequest): Wanted {
  if (request.fingerprint.length > maxFingerprint) {
    const message = `fingerprint: must have at most ${maxFingerprint} characters`
    throw new StoreError('invalid_field', message, { field: 'fingerprint' })
  }
  const { byteLength: bytes } = toBinary(ApplyOrganizationRequestSchema, request)
  return { desired: readDesired(request), fingerprint: request.fingerprint, bytes }
}

function tryToRead(request: ApplyOrganizationRequest): Wanted | StoreError {
  try {
    return readWanted(request)
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
}

async function oneByOne(
  wanted: readonly Wanted[],
  together: (some: readonly Wanted[]) => Promise<ApplyResult[]>,
) {
  const results: (ApplyResult | { kind: 'refused'; error: unknown })[] = []
  for (const one of wanted) {
    const [result] = await together([one]).catch(error => {
      if (isUnavailable(error)) throw error
      return [{ kind: 'refused' as const, error }]
    })
    results.push(result!)
  }
  return results
}

/** Throws a StoreError `invalid_field`. */
export function refuseMany(field: string, count: number, most: number): void {
  if (count > 0 && count <= most) return
  throw new StoreError('invalid_field', `${field}: must be 1 to ${most}`, { field })
}

function refuseTwice(requests: readonly ApplyOrganizationRequest[]): void {
  const seen = new Set<string>()
  for (const [index, { owner, change }] of requests.entries()) {
    const field = `organizations[${index}]`
    const name = `${owner?.kind} ${owner?.reference}`
    if (seen.has(name)) throw new StoreError('invalid_field', `${field}.owner: is there twice`, { field })
    if (change) throw new StoreError('invalid_field', `${field}.change: must be absent`, { field })
    seen.add(name)
  }
}

function appliedMessage({ organization, created, changed }: Applied) {
  return {
    organization: organizationMessage(organization),
    created,
    changed,
    sources: organization.sources.map(source => sourceMessage(source)),
    destinations: organization.destinations.map(destination => destinationMessage(destination)),
    routes: organization.routes.map(route => routeMessage(route)),
  }
}

function resultMessage(result: ApplyResult | { kind: 'refused'; error: unknown }) {
  if (result.kind === 'refused') return refusalOf(result.error)
  return { result: { case: 'applied' as const, value: appliedMessage(result.applied) } }
}

function refusalOf(error: unknown) {
  const { code, rawMessage, details } = answerOf(error)
  const [detail] = details.map(one => ('value' in one && 'desc' in one ? one.value : undefined))
  return {
    result: {
      case: 'refused' as const,
      value: { code, message: rawMessage, ...(detail && { detail: detail as object }) },
    },
  }
}

function entryOfApply({ organization, created, told }: Applied, { owner }: Wanted['desired']): AuditEntry {
  const action = created ? 'organization.created' : 'organization.applied'
  const entry = entryOf(action, organization, ownerText(owner))
  return { ...entry, details: { ...entry.details, ...told } }
}

/** Of the organization's own log, also where the platform makes the change. */
export function entryOf(
  action: AuditEntry['action'],
  { id, slug }: Pick<OrganizationRow, 'id' | 'slug'>,
  owner?: string,
): AuditEntry {
  return { action, organization: id, subjectId: fromUuid('org', id), details: { slug }, owner }
}
