import {
  createDestination,
  type Destination,
  type DestinationSettings,
  deleteDestination,
  getDestination,
  putDestination,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { dryRunParams, ifMatch, type SettingsKind } from '../settings/settings-kind.ts'
import { NewSettingPage, SettingsPage } from '../settings/settings-page.tsx'
import { DestinationFields } from './destination-fields.tsx'
import { TestDestination } from './test-destination.tsx'

const destination: SettingsKind<Destination> = {
  noun: 'destination',
  list: 'destinations',
  right: 'administer',
  begin: () => ({ name: '', url: '' }),
  keyOf: ({ name }) => name,
  titleOf: ({ name }) => name,
  isDeclared: ({ managedBy }) => managedBy === 'owner',
  load: (slug, name, signal) => take(getDestination(slug, name, { signal })),
  create: (slug, draft, dryRun) =>
    take(createDestination(slug, draft as unknown as DestinationSettings, dryRunParams(dryRun), once())),
  put: (slug, name, draft, { etag, dryRun }) =>
    take(
      putDestination(slug, name, draft as unknown as DestinationSettings, dryRunParams(dryRun), {
        ...once(),
        ...ifMatch(etag),
      }),
    ),
  remove: {
    confirm: ({ name, waiting }) =>
      `Nothing is delivered to ${name} any more. ${waiting > 0 ? `${waiting.toLocaleString()} deliveries that wait for it become dead letters.` : 'No delivery waits for it.'}`,
    run: (slug, name, etag) => take(deleteDestination(slug, name, {}, { ...once(), ...ifMatch(etag) })),
  },
  Fields: DestinationFields,
  tools: ({ state }) => <StateBadge state={state} />,
  Below: ({ slug, item }) => <TestDestination key={item.etag} slug={slug} destination={item} />,
}

export const New = () => <NewSettingPage kind={destination} />
export const Page = () => <SettingsPage kind={destination} param="destination" />
