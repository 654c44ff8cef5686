import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  type NewOrganization,
  type Organization,
  putOrganization,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { dryRunParams, ifMatch, type SettingsKind } from '../settings/settings-kind.ts'
import { NewSettingPage, SettingsPage } from '../settings/settings-page.tsx'
import { OrganizationFields } from './organization-fields.tsx'

const organization: SettingsKind<Organization> = {
  noun: 'organization',
  list: 'organizations',
  right: 'platform',
  listPath: () => '/',
  pathOf: (_, slug) => `/organizations/${slug}/settings`,
  begin: () => ({}),
  keyOf: ({ slug }) => slug,
  titleOf: ({ displayName }) => displayName,
  isDeclared: ({ owner }) => owner.kind !== 'api',
  load: (slug, _, signal) => take(getOrganization(slug, { signal })),
  create: (_, draft, dryRun) =>
    take(createOrganization(draft as unknown as NewOrganization, dryRunParams(dryRun), once())),
  put: (slug, _, draft, { etag, dryRun }) =>
    take(putOrganization(slug, draft, dryRunParams(dryRun), { ...once(), ...ifMatch(etag) })),
  remove: {
    confirm: ({ slug }) =>
      `Webhooks to ${slug} are refused from this moment on, its keys are useless, and its slug is free. Open deliveries are tried until they end. This can’t be undone.`,
    run: (slug, _, etag) => take(deleteOrganization(slug, {}, { ...once(), ...ifMatch(etag) })),
  },
  Fields: OrganizationFields,
}

export const New = () => <NewSettingPage kind={organization} />
export const Page = () => <SettingsPage kind={organization} param="slug" />
