import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { RevenueQuestion } from '@fairlead/wire/store/revenue'
import { requireId } from '../../parse-request.ts'
import { StoreError } from '../../store-error.ts'
import { readTimeZone } from '../../time-zone.ts'

/** The longest time that figures are asked for: three years. */
const longestMs = 1_100 * 86_400_000

/** What figures are asked for, checked. */
export interface Question {
  readonly organization: OrganizationId
  /** The same as a UUID. */
  readonly organizationUuid: string
  /** Milliseconds since 1970; undefined: as far back as is usual. */
  readonly fromMs: number | undefined
  /** Exclusive. */
  readonly untilMs: number
  readonly timeZone: string
  /** Empty: each. */
  readonly currency: string
  /** The currency that amounts are converted to; empty: none is. */
  readonly convert: string
  /** The one day whose rates count; empty: each day's own. */
  readonly rateDay: string
}

/** Throws a StoreError `invalid_field`. */
export function readQuestion(asked: RevenueQuestion | undefined): Question {
  const organization = requireId('org', asked?.organizationId ?? '', 'organization_id')
  const { after, before, currency = '', convert = '', rateDay = '' } = asked ?? {}
  if (!before) throw invalid('before', 'is missing')
  const untilMs = timestampMs(before)
  const fromMs = after && timestampMs(after)
  if (fromMs !== undefined && (untilMs <= fromMs || untilMs - fromMs > longestMs)) {
    throw invalid('before', 'must be later than after, by 1,100 days at most')
  }
  const timeZone = readTimeZone(asked?.timeZone ?? '')
  if (convert && !/^[A-Z]{3}$/.test(convert)) throw invalid('convert', 'must be three capital letters')
  if (rateDay && !isDay(rateDay)) throw invalid('rate_day', 'must be a day such as 2026-03-31')
  if (rateDay && !convert) throw invalid('rate_day', 'converts nothing: name a currency by convert')
  const organizationUuid = toUuid(organization)
  return { organization, organizationUuid, fromMs, untilMs, timeZone, currency, convert, rateDay }
}

const invalid = (field: string, message: string) =>
  new StoreError('invalid_field', `${field}: ${message}`, { field })

/** A day of the calendar: `2026-02-30` is none. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))
    ? new Date(`${text}T00:00:00Z`).toISOString().startsWith(text)
    : false
}
