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
  /** When this page last changed it, Unix ms; 0: not since receivers have surely known it. */
  readonly changedMs: number
}

/** When this page changed a demo source, Unix ms. */
const changes = new Map<string, number>()

/** The demo source of a provider, made or given a new key at its first use on this page. */
export async function demoSource(slug: string, provider: ConsoleProvider): Promise<DemoSource> {
  const source = `simulator-${provider.name}`
  const name = `${slug} ${source}`
  const url = demoUrl(slug, source)
  const known = demoKeys.get(name)
  const { items } = await take(listSources(slug))
  const exists = items.some(each => each.name === source)
  if (known && exists) return { source, keys: known, url, changedMs: changes.get(name) ?? 0 }
  const keys = await makeKeys(provider)
  const settings = settingsOf(provider, { source, keys, url })
  if (exists) await take(putSource(slug, source, settings, {}, { ...once(), 'If-Match': '*' }))
  else await take(createSource(slug, settings, {}, once()))
  const changedMs = Date.now()
  demoKeys.set(name, keys)
  changes.set(name, changedMs)
  return { source, keys, url, changedMs }
}

/** Gives a demo source the key that a request was signed with, as one puts a wrong secret right. */
export async function putRight(slug: string, provider: ConsoleProvider, keys: DemoKeys): Promise<void> {
  const { source, url } = await demoSource(slug, provider)
  const settings = settingsOf(provider, { source, keys, url })
  await take(putSource(slug, source, settings, {}, { ...once(), 'If-Match': '*' }))
  demoKeys.set(`${slug} ${source}`, keys)
  changes.set(`${slug} ${source}`, Date.now())
}

function settingsOf(
  provider: ConsoleProvider,
  { source, keys, url }: Omit<DemoSource, 'changedMs'>,
): SourceSettings {
  return {
    name: source,
    provider: provider.name as SourceSettingsProvider,
    mode: 'test',
    options: demoOptions(provider, url),
    ...(keys.secret !== undefined && {
      secrets: [{ id: 'made-for-the-simulator', value: keys.secret }],
    }),
  }
}
