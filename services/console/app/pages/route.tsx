import {
  createRoute,
  deleteRoute,
  getRoute,
  putRoute,
  type Route,
  type RouteSettings,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { dryRunParams, ifMatch, type SettingsKind } from '../settings/settings-kind.ts'
import { NewSettingPage, SettingsPage } from '../settings/settings-page.tsx'
import { RouteFields } from './route-fields.tsx'

const route: SettingsKind<Route> = {
  noun: 'route',
  list: 'routes',
  right: 'administer',
  begin: ({ source = '' }) => ({ source }),
  keyOf: ({ id }) => id,
  titleOf: ({ source, destinations }) => `${source} to ${destinations.join(', ')}`,
  isDeclared: ({ managedBy }) => managedBy === 'owner',
  load: (slug, id, signal) => take(getRoute(slug, id, { signal })),
  create: (slug, draft, dryRun) =>
    take(createRoute(slug, draft as unknown as RouteSettings, dryRunParams(dryRun), once())),
  put: (slug, id, draft, { etag, dryRun }) =>
    take(
      putRoute(slug, id, draft as unknown as RouteSettings, dryRunParams(dryRun), {
        ...once(),
        ...ifMatch(etag),
      }),
    ),
  remove: {
    confirm: ({ source, destinations }) =>
      `Events of ${source} that come from now on no longer go to ${destinations.join(', ')} by this route. What waits is delivered.`,
    run: (slug, id, etag) => take(deleteRoute(slug, id, {}, { ...once(), ...ifMatch(etag) })),
  },
  Fields: RouteFields,
}

export const New = () => <NewSettingPage kind={route} />
export const Page = () => <SettingsPage kind={route} param="route" />
