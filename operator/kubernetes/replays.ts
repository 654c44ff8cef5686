import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Declarations as OrganizationDeclarations } from '../organization/observe.ts'
import { apiVersion, slugOfOrganization } from '../organization/schema.ts'
import type { Holdings } from '../replay/act.ts'
import type { Declarations, ReplayKey } from '../replay/observe.ts'
import { type Replay, replaySchema } from '../replay/schema.ts'
import { type ReplayStatus, statusSchema } from '../replay/status-schema.ts'
import type { KubernetesClient } from './client.ts'
import { letGo } from './let-go.ts'
import { openReported } from './reported.ts'

/** Holds a Replay until the store has cancelled it. */
const finalizer = 'fairlead.dev/replay'

const resource = z.object({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    generation: z.number().default(1),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).default([]),
  }),
  status: z.unknown().optional(),
})

interface Resource {
  readonly replay: Replay
  readonly meta: z.infer<typeof resource>['metadata']
}

/** Replays as the API server has them, from what is followed. */
export interface Replays {
  readonly declarations: Declarations
  readonly holdings: Holdings
  readonly statuses: ReadonlyMap<ReplayKey, ReplayStatus>
  report(key: ReplayKey, status: ReplayStatus): Promise<void>
  /** One was made or changed. Answers with a sentence if it can't be read, which a CRD of another version could cause. */
  put(key: ReplayKey, object: unknown): string | undefined
  remove(key: ReplayKey): void
  /** Those that are for an Organization, `namespace/name`. */
  ofOrganization(organization: string): readonly ReplayKey[]
}

export type OnReport = (
  key: ReplayKey,
  uid: string,
  status: ReplayStatus,
  before: ReplayStatus | undefined,
) => void

export function openReplays(
  client: KubernetesClient,
  organizations: Pick<OrganizationDeclarations, 'readOrganization'>,
  onReport: OnReport,
): Replays {
  const resources = new Map<ReplayKey, Resource>()
  const reported = openReported<ReplayStatus>()

  /** Names an object of ours, so that a write can't reach another one that has its name by now. */
  const identityOf = ({ meta }: Resource) => ({ name: meta.name, namespace: meta.namespace, uid: meta.uid })
  return {
    statuses: reported.statuses,
    put(key, object) {
      const parsed = replaySchema.safeParse({ apiVersion, kind: 'Replay', ...(object as object) })
      if (!parsed.success)
        return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
      const { metadata, status } = resource.parse(object)
      resources.set(key, { replay: parsed.data, meta: metadata })
      reported.seen(key, statusSchema.safeParse(status).data, object)
      return undefined
    },
    remove(key) {
      resources.delete(key)
      reported.forget(key)
    },
    ofOrganization: organization =>
      [...resources].flatMap(([key, { replay, meta }]) =>
        `${meta.namespace}/${replay.spec.organization}` === organization ? [key] : [],
      ),
    declarations: {
      async readReplay(key) {
        const found = resources.get(key)
        if (!found) return undefined
        const { uid, generation, creationTimestamp, deletionTimestamp } = found.meta
        return {
          replay: found.replay,
          uid,
          generation,
          createdAtMs: Date.parse(creationTimestamp),
          deleting: deletionTimestamp !== undefined,
        }
      },
      readStatus: async key => reported.statuses.get(key),
      async readSlug(organization) {
        const declared = await organizations.readOrganization(organization)
        return declared && slugOfOrganization(declared.organization)
      },
    },
    holdings: {
      async claim(key) {
        const found = resources.get(key)
        if (!found || found.meta.finalizers.includes(finalizer)) return
        await client.apply(pathOf(found.meta), {
          apiVersion,
          kind: 'Replay',
          metadata: { ...identityOf(found), finalizers: [finalizer] },
        })
      },
      async release(key) {
        const found = resources.get(key)
        if (found?.meta.finalizers.includes(finalizer))
          await letGo(client, pathOf(found.meta), 'Replay', identityOf(found))
      },
      async expire(key) {
        const found = resources.get(key)
        if (!found || found.meta.deletionTimestamp !== undefined) return
        const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: found.meta.uid } }
        await client.find({ method: 'DELETE', path: pathOf(found.meta), body })
      },
    },
    async report(key, status) {
      const found = resources.get(key)
      const before = reported.statuses.get(key)
      if (!found || isDeepStrictEqual(before, status)) return
      const written = await client.apply(`${pathOf(found.meta)}/status`, {
        apiVersion,
        kind: 'Replay',
        metadata: identityOf(found),
        status,
      })
      reported.written(key, status, written)
      onReport(key, found.meta.uid, status, before)
    },
  }
}

const pathOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }) =>
  `/apis/${apiVersion}/namespaces/${namespace}/replays/${name}`
