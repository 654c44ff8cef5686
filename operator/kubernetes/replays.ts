import type { Declarations as OrganizationDeclarations } from '../organization/declared.ts'
import { slugOfOrganization } from '../organization/schema.ts'
import type { Holdings } from '../replay/act.ts'
import type { Declarations, ReplayKey } from '../replay/declared.ts'
import type { ReconcileContext } from '../replay/reconcile.ts'
import { replaySchema } from '../replay/schema.ts'
import { type ReplayStatus, statusSchema } from '../replay/status-schema.ts'
import type { KubernetesClient } from './client.ts'
import { type OnReport, openObjects } from './objects.ts'

/** Replays as the API server has them, from what is followed. */
export interface Replays {
  readonly declarations: Declarations
  readonly holdings: Holdings
  readonly report: ReconcileContext['report']
  readonly statuses: ReadonlyMap<ReplayKey, ReplayStatus>
  /** One was made or changed. Answers with a sentence if it can't be read, which a CRD of another version could cause. */
  put(key: ReplayKey, object: unknown): string | undefined
  remove(key: ReplayKey): void
  /** The Replays of an Organization, `namespace/name`. */
  ofOrganization(organization: string): readonly ReplayKey[]
}

const kind = {
  kind: 'Replay',
  plural: 'replays',
  /** Holds a Replay until the store has cancelled it. */
  finalizer: 'fairlead.dev/replay',
  schema: replaySchema,
  statusSchema,
} as const

export function openReplays(
  client: KubernetesClient,
  organizations: Pick<OrganizationDeclarations, 'readOrganization'>,
  onReport: OnReport<ReplayStatus>,
): Replays {
  const objects = openObjects(client, kind, onReport)
  return {
    statuses: objects.statuses,
    put: objects.put,
    remove: objects.remove,
    report: objects.report,
    ofOrganization: organization =>
      [...objects.all()].flatMap(([key, { document, meta }]) =>
        `${meta.namespace}/${document.spec.organization}` === organization ? [key] : [],
      ),
    declarations: {
      async readReplay(key) {
        const found = objects.find(key)
        if (!found) return undefined
        const { uid, generation, creationTimestamp, deletionTimestamp } = found.meta
        return {
          replay: found.document,
          uid,
          generation,
          createdAtMs: Date.parse(creationTimestamp),
          deleting: deletionTimestamp !== undefined,
        }
      },
      readStatus: async key => objects.statuses.get(key),
      async readSlug(organization) {
        const declared = await organizations.readOrganization(organization)
        return declared && slugOfOrganization(declared.organization)
      },
    },
    holdings: {
      claim: objects.claim,
      async release(key) {
        await objects.release(key)
      },
      async expire(key) {
        const found = objects.find(key)
        if (!found || found.meta.deletionTimestamp !== undefined) return
        const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: found.meta.uid } }
        await client.find({ method: 'DELETE', path: found.path, body })
      },
    },
  }
}
