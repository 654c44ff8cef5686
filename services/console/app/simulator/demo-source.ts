import {
  createSource,
  listSources,
  putSource,
  type SourceSettings,
  type SourceSettingsProvider,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { type DemoKeys, makeKeys } from './keys.ts'
import type { ConsoleProvider } from './provider.ts'
import { demoOptions, demoUrl } from './sign.ts'

/** Keys of demo sources, made in this browser and forgotten with the page. */
const demoKeys = new Map<string, DemoKeys>()

export interface DemoSource {
  readonly source: string
  readonly keys: DemoKeys
  readonly url: string
}

/** The demo source of a provider, made or given a new key at its first use on this page. */
export async function demoSource(slug: string, provider: ConsoleProvider): Promise<DemoSource> {
  const source = `simulator-${provider.name}`
  const url = demoUrl(slug, source)
  const known = demoKeys.get(`${slug} ${source}`)
  const { items } = await take(listSources(slug))
  const exists = items.some(({ name }) => name === source)
  if (known && exists) return { source, keys: known, url }
  const keys = await makeKeys(provider)
  const settings = settingsOf(provider, { source, keys, url })
  if (exists) await take(putSource(slug, source, settings, {}, { ...once(), 'If-Match': '*' }))
  else await take(createSource(slug, settings, {}, once()))
  demoKeys.set(`${slug} ${source}`, keys)
  await untilReceiversKnow()
  return { source, keys, url }
}

/** Gives a demo source the key that a request was signed with, as one puts a wrong secret right. */
export async function putRight(slug: string, provider: ConsoleProvider, keys: DemoKeys): Promise<void> {
  const { source, url } = await demoSource(slug, provider)
  const settings = settingsOf(provider, { source, keys, url })
  await take(putSource(slug, source, settings, {}, { ...once(), 'If-Match': '*' }))
  demoKeys.set(`${slug} ${source}`, keys)
  await untilReceiversKnow()
}

function settingsOf(provider: ConsoleProvider, { source, keys, url }: DemoSource): SourceSettings {
  return {
    name: source,
    provider: provider.name as SourceSettingsProvider,
    options: demoOptions(provider, url),
    ...(keys.secret !== undefined && {
      secrets: [{ id: 'made-for-the-simulator', value: keys.secret }],
    }),
  }
}

/** Receivers learn of a change within a second, ms. */
const knownMs = 1_000

const untilReceiversKnow = (): Promise<void> => new Promise(resolve => setTimeout(resolve, knownMs))
