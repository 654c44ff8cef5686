import { create, type JsonObject } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import { billingNoticeTypes, noticeTypes } from '@fairlead/wire/notice'
import type { Precondition } from '@fairlead/wire/store/change'
import {
  type NotificationService,
  type Notifications,
  NotificationsSchema,
  PutNotificationsResponseSchema,
} from '@fairlead/wire/store/notification'
import { type NotificationSetting, readSetting, writeSetting } from '../notifications/setting.ts'
import { fieldChanges } from '../organizations/messages.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'
import { lockOrganization } from './settings.ts'
import { write } from './write.ts'

export function notificationCalls(calls: Calls): ServiceImpl<typeof NotificationService> {
  return {
    async getNotifications(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, organization, async db => ({
        notifications: message(await readSetting(db, organization)),
      }))
    },

    async putNotifications(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const wanted = request.notifications ?? create(NotificationsSchema)
      return write(calls, context, request, PutNotificationsResponseSchema, async db => {
        await lockOrganization(db, organization)
        const before = await readSetting(db, organization)
        requireState(request.precondition, before)
        const setting = settingOf(wanted)
        if (setting.destinationId) await requireDestination(db, organization, setting.destinationId)
        await writeSetting(db, organization, setting, calls.now())
        const after = await readSetting(db, organization)
        const changes = fieldChanges(before.version > 0 ? facts(before) : undefined, facts(after))
        return {
          answer: { notifications: message(after), changes },
          entry: {
            action: 'notifications.changed',
            subjectId: organization,
            details: { ...(before.version > 0 && { before: facts(before) }), after: facts(after) },
          },
        }
      })
    },
  }
}

/** Seconds; a year at most. */
const silence = { least: 60, most: 366 * 86_400 }
const mostSources = 100

function settingOf(
  wanted: Notifications,
): Pick<NotificationSetting, 'destinationId' | 'types' | 'silentAfter'> {
  const known: readonly string[] = [...noticeTypes, ...billingNoticeTypes]
  const unknown = wanted.types.find(type => !known.includes(type))
  if (unknown !== undefined) {
    throw new StoreError('invalid_field', `types: must be of ${known.join(', ')}`, { field: 'types' })
  }
  const field = 'silent_after_seconds'
  const expected = Object.entries(wanted.silentAfterSeconds)
  if (expected.length > mostSources) {
    throw new StoreError('invalid_field', `${field}: must name at most ${mostSources} sources`, { field })
  }
  if (expected.some(([, seconds]) => seconds < silence.least || seconds > silence.most)) {
    throw new StoreError('invalid_field', `${field}: must be from ${silence.least} to ${silence.most}`, {
      field,
    })
  }
  const { destinationId } = wanted
  return {
    destinationId: destinationId ? requireId('dst', destinationId, 'destination_id') : undefined,
    types: [...new Set(wanted.types)],
    silentAfter: wanted.silentAfterSeconds,
  }
}

async function requireDestination(db: Db, organization: string, destination: string): Promise<void> {
  const { rowCount } = await db.query(
    'select from destinations where organization_id = $1 and id = $2 and deleted_at is null',
    [
      toUuid(requireId('org', organization, 'organization_id')),
      toUuid(requireId('dst', destination, 'destination_id')),
    ],
  )
  if (!rowCount) {
    throw new StoreError('invalid_field', 'destination_id: there is no such destination', {
      field: 'destination_id',
    })
  }
}

/** Throws a StoreError `precondition_failed`. One that was never made is there, with a state of its own, unless it is to be made. */
function requireState(precondition: Precondition | undefined, setting: NotificationSetting): void {
  if (!precondition) return
  if (precondition.absent && setting.version > 0)
    throw new StoreError('precondition_failed', 'it is there already')
  if (precondition.etags.length > 0 && !precondition.etags.includes(etagOf(setting)))
    throw new StoreError('precondition_failed', `it is ${etagOf(setting)} by now`)
}

const etagOf = ({ version }: NotificationSetting): string => `notifications.${version}`

const facts = ({ destination, types, silentAfter }: NotificationSetting): JsonObject => ({
  destination: destination || null,
  types: [...types],
  silentAfterSeconds: { ...silentAfter },
})

function message(setting: NotificationSetting): Notifications {
  const { destinationId, destination, types, silentAfter, updatedAt } = setting
  return create(NotificationsSchema, {
    destinationId: destinationId && destination ? destinationId : '',
    destination,
    types: [...types],
    silentAfterSeconds: { ...silentAfter },
    etag: etagOf(setting),
    ...(updatedAt && { updatedAt: timestampFromDate(updatedAt) }),
  })
}
