import {
  createSource,
  deleteSource,
  getSource,
  putSource,
  type Source,
  type SourceSettings,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import type { Draft } from '../settings/draft.ts'
import { dryRunParams, ifMatch, type SettingsKind } from '../settings/settings-kind.ts'
import { NewSettingPage, SettingsPage } from '../settings/settings-page.tsx'
import { SourceFields } from './source-fields.tsx'

const source: SettingsKind<Source> = {
  noun: 'source',
  list: 'sources',
  right: 'administer',
  begin: ({ provider }) => ({ ...(provider && { name: provider, provider }), secrets: [{}] }),
  keyOf: ({ name }) => name,
  titleOf: ({ name }) => name,
  isDeclared: ({ managedBy }) => managedBy === 'owner',
  load: (slug, name, signal) => take(getSource(slug, name, { signal })),
  create: (slug, draft, dryRun) =>
    take(createSource(slug, withoutEmpty(draft), dryRunParams(dryRun), once())),
  put: (slug, name, draft, { etag, dryRun }) =>
    take(
      putSource(slug, name, withoutEmpty(draft), dryRunParams(dryRun), {
        ...once(),
        ...ifMatch(etag),
      }),
    ),
  remove: {
    confirm: ({ name }) =>
      `Webhooks to ${name} are refused from this moment on, as from an unknown source. Its events stay in the log.`,
    run: (slug, name, etag) => take(deleteSource(slug, name, {}, { ...once(), ...ifMatch(etag) })),
  },
  Fields: SourceFields,
}

/** A secret that was begun and left empty is none, and a scheme is told of other providers only. */
function withoutEmpty({ secrets, scheme, ...others }: Draft): SourceSettings {
  const given =
    (secrets as readonly object[] | undefined)?.filter(secret => Object.keys(secret).length > 0) ?? []
  return {
    ...others,
    ...(others.provider === 'custom' && { scheme }),
    ...(given.length > 0 && { secrets: given }),
  } as unknown as SourceSettings
}

export const New = () => <NewSettingPage kind={source} />
export const Page = () => <SettingsPage kind={source} param="source" />
