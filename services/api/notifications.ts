import { billingNoticeTypes, noticeTypes } from '@fairlead/wire/notice'
import type { Notifications } from '@fairlead/wire/store/notification'
import { z } from 'zod'
import { findDestinationId } from './destinations.ts'
import { DryRun, dryRunQuery } from './dry-run.ts'
import { operation } from './operation.ts'
import { noQuery, organizationParams, plainText } from './query.ts'
import { orExplained, settingFields, settingProblems } from './setting.ts'
import { presentTime, timeText } from './time.ts'

const silentAfterSeconds = z.record(plainText(63), z.int().min(60).max(31_622_400)).meta({
  description:
    'By the name of a source: after so many seconds without an event it is told as `source.silent`, once for each silence.',
  example: { stripe: 3600 },
})

const notificationsSchema = z
  .object({
    destinationId: z.string().nullable().meta({ description: 'Null: nothing is told.' }),
    destination: z.string().nullable().meta({ description: 'Its name.', example: 'pager' }),
    types: z.array(z.string()),
    silentAfterSeconds: z.record(z.string(), z.int()),
    etag: settingFields.etag,
    updatedAt: timeText.nullable().meta({ description: 'Null: it was never made.' }),
  })
  .meta({
    id: 'Notifications',
    description:
      'Where an organization is told of what happens to it. Each notice is an event of the source `_fairlead`, which is delivered, retried, logged and signed like any other; its `webhook-id` stays the same when it is repeated. Notices count towards no limit. A destination is not told of itself.',
  })

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/notifications',
  name: 'getNotifications',
  tag: 'Settings',
  summary: 'Where an organization is told of what happens to it',
  access: 'read',
  versioned: true,
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The setting.',
  answer: notificationsSchema,
  problems: [],
  async handle({ store, organization, signal }) {
    const asked = { organizationId: organization.id }
    return present((await store.notifications.getNotifications(asked, { signal })).notifications)
  },
})

const put = operation({
  method: 'put',
  path: '/api/v1/organizations/{slug}/notifications',
  name: 'putNotifications',
  tag: 'Settings',
  summary: 'Say what an organization is told, and where',
  description:
    'To a destination of its own. The types and their bodies stand in the `webhooks` of this document. Told is what happens from now on, and what fails at this time.',
  access: 'administer',
  versioned: true,
  params: organizationParams,
  query: dryRunQuery,
  body: z
    .strictObject({
      destinationId: plainText(63)
        .nullable()
        .meta({ description: "A destination's id or name; null: nothing is told." }),
      types: z
        .array(z.enum([...noticeTypes, ...billingNoticeTypes]))
        .min(1)
        .max(noticeTypes.length + billingNoticeTypes.length)
        .default([...noticeTypes])
        .meta({
          description:
            'What is told. Default: everything but changes of the ledger (customers, subscriptions, invoices, payments), which are told where they are named.',
        }),
      silentAfterSeconds: silentAfterSeconds.default({}),
    })
    .meta({ id: 'NotificationSettings' }),
  status: 200,
  answerDescription: 'The setting.',
  answer: notificationsSchema,
  problems: settingProblems,
  async handle({ store, organization, query, body, precondition, change, write, signal }) {
    const dryRun = query.dryRun ?? false
    const { destinationId: named } = body
    const destinationId = named ? await findDestinationId(store, organization.id, named, signal) : ''
    const wanted = { destinationId, types: body.types, silentAfterSeconds: body.silentAfterSeconds }
    const asked = { organizationId: organization.id, notifications: wanted, precondition, dryRun, change }
    const { notifications, changes } = await orExplained(store.notifications.putNotifications(asked, write), {
      organization,
      spec: () => ({}),
      current: async () => {
        const known = await store.notifications.getNotifications(
          { organizationId: organization.id },
          { signal },
        )
        return present(known.notifications)
      },
    })
    return dryRun ? new DryRun(present(notifications), changes) : present(notifications)
  },
})

export const notificationOperations = [get, put]

function present(notifications: Notifications | undefined): z.input<typeof notificationsSchema> {
  if (!notifications) throw new TypeError('the store answered without the setting')
  return {
    destinationId: notifications.destinationId || null,
    destination: notifications.destination || null,
    types: notifications.types,
    silentAfterSeconds: notifications.silentAfterSeconds,
    etag: notifications.etag,
    updatedAt: presentTime(notifications.updatedAt),
  }
}
