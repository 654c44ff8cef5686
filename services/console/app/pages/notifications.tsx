import {
  getNotifications,
  listDestinations,
  listSources,
  type NotificationSettings,
  NotificationSettingsTypesItem,
  type Notifications,
  putNotifications,
} from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { once, take } from '../call.ts'
import type { Draft } from '../settings/draft.ts'
import { textAt, useDraft } from '../settings/field.tsx'
import { ChoiceField, ChoicesField, NumberField } from '../settings/fields.tsx'
import { dryRunParams, ifMatch, type Setting, type SettingsKind } from '../settings/settings-kind.ts'
import { SettingsPage } from '../settings/settings-page.tsx'

/** Where an organization is told of what happens to it, and of what. */
const notifications: SettingsKind<Setting> = {
  noun: 'notifications',
  list: 'notifications',
  right: 'administer',
  begin: () => ({}),
  keyOf: () => '',
  titleOf: () => 'Notifications',
  about: (
    <>
      Operational webhooks: each notice is an event of the source <code>_fairlead</code>, delivered, retried,
      logged and signed like any other. Notices count towards no limit, and a destination is not told of
      itself.
    </>
  ),
  isDeclared: () => false,
  load: async (slug, _, signal) => settingOf(await take(getNotifications(slug, { signal }))),
  put: async (slug, _, draft, { etag, dryRun }) => {
    const wanted = { ...draft, destinationId: draft.destinationId ?? null } as unknown as NotificationSettings
    const answer = await take(
      putNotifications(slug, wanted, dryRunParams(dryRun), { ...once(), ...ifMatch(etag) }),
    )
    return 'dryRun' in answer ? answer : settingOf(answer)
  },
  currentOf: current => settingOf(current as Notifications),
  Fields: NotificationFields,
}

/** As PUT takes it; the destination by its name, as people know it. */
function settingOf({ destination, types, silentAfterSeconds, etag }: Notifications): Setting {
  const settings: Draft = {
    ...(destination && { destinationId: destination }),
    ...(types.length > 0 && { types }),
    ...(Object.keys(silentAfterSeconds).length > 0 && { silentAfterSeconds }),
  }
  return { settings, etag }
}

const typeTexts: Readonly<Partial<Record<NotificationSettingsTypesItem, string>>> = {
  'destination.failing': 'a destination began to fail',
  'destination.recovered': 'it answers again',
  'destination.paused': 'a destination was paused',
  'source.silent': 'a source has been silent for too long',
  'quota.near': 'the month’s events are nearly used up',
  'issue.opened': 'an issue was opened',
  'issue.regressed': 'a resolved issue came back',
  'issue.resolved': 'an issue is over',
  'key.expiring': 'an API key expires soon',
}

const allTypes = Object.values(NotificationSettingsTypesItem)
/** Told where nothing is chosen: changes of the ledger are not. */
const presetTypes = allTypes.filter(type => type in typeTexts)

/** `subscription.past_due`: a subscription of the ledger: past due. */
function textOf(type: NotificationSettingsTypesItem): string {
  const [noun = '', change = ''] = type.split('.')
  return typeTexts[type] ?? `${noun} of the ledger: ${change.replaceAll('_', ' ')}`
}

function NotificationFields({ slug }: { readonly slug: string }) {
  const { draft } = useDraft()
  const { data } = useQuery({
    queryKey: ['destinations', slug, {}],
    queryFn: ({ signal }) => take(listDestinations(slug, { signal })),
  })
  const chosen = textAt(draft, 'destinationId')
  const known = data?.items.map(({ name }) => name) ?? []
  // The chosen one first: it stays chosen while the list is still on its way.
  const names = [...new Set([...(chosen ? [chosen] : []), ...known])]
  return (
    <>
      <div className="fields">
        <ChoiceField
          path="destinationId"
          label="Tell this destination"
          choices={{ '': 'none: nothing is told', ...Object.fromEntries(names.map(name => [name, name])) }}
          help="Better one that nothing else goes to: an alert’s or a chat’s address."
        />
      </div>
      <ChoicesField
        path="types"
        label="When"
        chosen={presetTypes}
        whenNone={[]}
        choices={allTypes.map(type => [
          type,
          <span key={type}>
            {textOf(type)} <code className="muted">{type}</code>
          </span>,
        ])}
      />
      <Silence slug={slug} />
    </>
  )
}

/** After how long without an event each source counts as silent. */
function Silence({ slug }: { readonly slug: string }) {
  const { data } = useQuery({
    queryKey: ['sources', slug, {}],
    queryFn: ({ signal }) => take(listSources(slug, { signal })),
  })
  return (
    <details>
      <summary>Silent sources</summary>
      <p className="muted">
        A source without an event for so many seconds is told as <code>source.silent</code>, once for each
        silence. Empty: never.
      </p>
      <div className="fields">
        {data?.items.map(({ id, name }) => (
          <NumberField
            key={id}
            path={`silentAfterSeconds.${name}`}
            label={`${name}: seconds`}
            min={60}
            max={31_622_400}
            placeholder="never"
          />
        ))}
      </div>
    </details>
  )
}

export const Page = () => <SettingsPage kind={notifications} param="slug" />
