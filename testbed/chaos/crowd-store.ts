import { setTimeout as delay } from 'node:timers/promises'
import { connectStore } from '@fairlead/wire/store-client'

/** Keeps so many calls of the store under way. @returns ends that */
export function crowdStore(url: string, calls: number): () => Promise<void> {
  const store = connectStore(url)
  const ending = new AbortController()
  const ask = async () => {
    while (!ending.signal.aborted) {
      await store.organizations.listOrganizations({}, { signal: ending.signal }).catch(() => undefined)
      await delay(10)
    }
  }
  const asking = Promise.all(Array.from({ length: calls }, ask))
  return async () => {
    ending.abort()
    await asking
    await store[Symbol.asyncDispose]()
  }
}
