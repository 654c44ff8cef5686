import { type DestinationId, fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { noticeTypes } from '@fairlead/wire/notice'
import type { Db } from '../scope.ts'

export interface NotificationSetting {
  readonly destinationId: DestinationId | undefined
  /** Empty where there is none, or it was deleted. */
  readonly destination: string
  readonly types: readonly string[]
  /** Source name → seconds. */
  readonly silentAfter: Readonly<Record<string, number>>
  /** 0: it was never made. */
  readonly version: number
  readonly updatedAt: Date | undefined
}

const neverMade: NotificationSetting = {
  destinationId: undefined,
  destination: '',
  types: noticeTypes,
  silentAfter: {},
  version: 0,
  updatedAt: undefined,
}

interface SettingRow {
  readonly destination_id: string | null
  readonly destination: string | null
  readonly types: string[]
  readonly silent_after: Record<string, number>
  readonly version: number
  readonly updated_at: Date
}

export async function readSetting(db: Db, organization: OrganizationId): Promise<NotificationSetting> {
  const { rows } = await db.query<SettingRow>(
    `select s.*, d.name as destination from notification_settings s
     left join destinations d
       on d.organization_id = s.organization_id and d.id = s.destination_id and d.deleted_at is null
     where s.organization_id = $1`,
    [toUuid(organization)],
  )
  const [row] = rows
  if (!row) return neverMade
  return {
    destinationId: row.destination_id ? fromUuid('dst', row.destination_id) : undefined,
    destination: row.destination ?? '',
    types: row.types,
    silentAfter: row.silent_after,
    version: row.version,
    updatedAt: row.updated_at,
  }
}

export async function writeSetting(
  db: Db,
  organization: OrganizationId,
  setting: Pick<NotificationSetting, 'destinationId' | 'types' | 'silentAfter'>,
  nowMs: number,
): Promise<void> {
  await db.query(
    `insert into notification_settings as known
       (organization_id, destination_id, types, silent_after, updated_at, told_since)
     values ($1, $2, $3, $4, $5, $5)
     on conflict (organization_id) do update set destination_id = excluded.destination_id, types = excluded.types,
       silent_after = excluded.silent_after, version = known.version + 1, updated_at = excluded.updated_at,
       told_since = case when known.destination_id is distinct from excluded.destination_id
         then excluded.told_since else known.told_since end`,
    [
      toUuid(organization),
      setting.destinationId ? toUuid(setting.destinationId) : null,
      [...setting.types],
      JSON.stringify(setting.silentAfter),
      new Date(nowMs),
    ],
  )
}
