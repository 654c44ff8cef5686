import { ErrorReason } from '@fairlead/wire/store/error'
import { OwnerKind } from '@fairlead/wire/store/organization'
import type { Replay as StoredReplay } from '@fairlead/wire/store/replay'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Refused, ReplayRows } from './replay/act.ts'
import type { DesiredReplay } from './replay/desired.ts'
import type { Unavailable } from './replay/observe.ts'
import { storeFailureOf } from './store-failure.ts'
import { openOwnedRows } from './store-rows.ts'

/** The store's Replays as the Kubernetes API's resources see them. */
export function openReplayRows(
  store: Pick<StoreClient, 'organizations' | 'destinations' | 'replays'>,
): ReplayRows {
  const owned = openOwnedRows(store, OwnerKind.KUBERNETES)

  async function make(organizationId: string, desired: DesiredReplay, dryRun: boolean) {
    return await answered(() => store.replays.createReplay({ ...desired, organizationId, dryRun }))
  }

  async function get(
    organizationId: string,
    replayId: string,
  ): Promise<StoredReplay | Refused | Unavailable> {
    return await answered(() => store.replays.getReplay({ organizationId, replayId }))
  }

  return {
    async findOrganization(key, slug) {
      const found = await owned.findSlug(key, slug)
      if (found === 'unavailable')
        return { kind: 'unavailable', message: 'the store can’t be reached, trying again' }
      return found?.ours ? found.id : undefined
    },
    async listDestinations(organizationId) {
      try {
        return (await store.destinations.listDestinations({ organizationId })).destinations
      } catch (error) {
        const failure = storeFailureOf(error)
        return failure.kind === 'unavailable' ? failure : []
      }
    },
    async findReplay(organizationId, by) {
      const found =
        'replayId' in by
          ? await get(organizationId, by.replayId)
          : await findByUid(store, organizationId, by.uid, by.createdAtMs)
      return found !== undefined && 'kind' in found && found.kind === 'refused' ? undefined : found
    },
    count: (organizationId, desired) => make(organizationId, desired, true),
    create: (organizationId, desired) => make(organizationId, desired, false),
    async change(change, organizationId, replayId) {
      const request = { organizationId, replayId }
      const changed = await answered(() => {
        switch (change) {
          case 'pause':
            return store.replays.pauseReplay(request)
          case 'resume':
            return store.replays.resumeReplay(request)
          case 'cancel':
            return store.replays.cancelReplay(request)
          default:
            throw new TypeError(`unknown change ${change satisfies never}`)
        }
      })
      // It has ended meanwhile: its final state is returned.
      return 'kind' in changed && changed.kind === 'refused' ? await get(organizationId, replayId) : changed
    },
  }
}

/** How much the clocks of the API server and of the store may differ, ms. */
const clockSkewMs = 300_000

/** Looks for the Replay that was made for a resource, from the newest back to when that was made. */
async function findByUid(
  store: Pick<StoreClient, 'replays'>,
  organizationId: string,
  uid: string,
  createdAtMs: number,
): Promise<StoredReplay | Unavailable | undefined> {
  for (let cursor = ''; ; ) {
    const page = await asked(() => store.replays.listReplays({ organizationId, cursor, limit: 500 }))
    if ('kind' in page) return page.kind === 'unavailable' ? page : undefined
    const found = page.replays.find(({ createdBy }) => createdBy.startsWith(`kubernetes ${uid} `))
    if (found) return found
    const oldest = page.replays.at(-1)?.createdAt
    cursor = page.next
    if (cursor === '' || Number(oldest?.seconds ?? 0n) * 1_000 < createdAtMs - clockSkewMs) return undefined
  }
}

async function answered(
  call: () => Promise<{ replay?: StoredReplay | undefined }>,
): Promise<StoredReplay | Refused | Unavailable> {
  const answer = await asked(call)
  if ('kind' in answer) return answer
  if (!answer.replay) throw new TypeError('the store answered without the Replay')
  return answer.replay
}

async function asked<T extends object>(call: () => Promise<T>): Promise<T | Refused | Unavailable> {
  try {
    return await call()
  } catch (error) {
    const failure = storeFailureOf(error)
    if (failure.kind === 'unavailable') return failure
    if (failure.detail?.reason === ErrorReason.REPLAY_TOO_LARGE) {
      const message = `${failure.message}: narrow spec.selector.from and to`
      return { kind: 'refused', reason: 'TooLarge', message }
    }
    return { kind: 'refused', reason: 'StoreRefused', message: failure.message }
  }
}
