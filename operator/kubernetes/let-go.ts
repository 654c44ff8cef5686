import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import { z } from 'zod'
import type { KubernetesClient } from './client.ts'

const identified = z.looseObject({ metadata: z.looseObject({ uid: z.string() }) })

/**
 * Takes the operator's finalizer off an object that is being deleted: applied without it, it goes. One that is gone by
 * now, or has another one in its place, is no error: what a watch told may be older than what was done about it.
 */
export async function letGo(
  client: KubernetesClient,
  path: string,
  kind: 'Organization' | 'Replay',
  identity: { readonly name: string; readonly namespace: string; readonly uid: string },
): Promise<void> {
  try {
    await client.apply(path, { apiVersion, kind, metadata: identity })
  } catch (error) {
    const there = await client.find({ method: 'GET', path })
    if (there !== undefined && identified.parse(there).metadata.uid === identity.uid) throw error
  }
}
