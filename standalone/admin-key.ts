import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { MemberRole } from '@fairlead/wire/store/member'
import type { StoreClient } from '@fairlead/wire/store-client'
import { keptSecret } from './home.ts'

/**
 * The platform's API key in `admin-key`: made at the first start, and again when the database doesn't know it, because
 * it is another one. Each has a name of its own, so that one left by a killed start isn't in the way.
 */
export async function keepAdminKey(
  home: string,
  store: Pick<StoreClient, 'apiKeys'>,
  now: Date,
): Promise<void> {
  const path = join(home, 'admin-key')
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim()
  if (kept && !(await isKnown(kept, store))) await rm(path)
  await keptSecret(path, async () => {
    const name = `standalone ${now.toISOString()}`
    const { key } = await store.apiKeys.createApiKey({ name, role: MemberRole.OWNER })
    return key
  })
}

async function isKnown(key: string, store: Pick<StoreClient, 'apiKeys'>): Promise<boolean> {
  try {
    await store.apiKeys.authenticateApiKey({ sha256: createHash('sha256').update(key).digest() })
    return true
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unauthenticated) return false
    throw error
  }
}
