/** Days and months of a time zone, with its changes of clock. A day is `2026-03-29`, a month `2026-03`. */

const formats = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-CA', {
    timeZone,
    calendar: 'iso8601',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })

export interface Calendar {
  /** The day of a time, in milliseconds since 1970. */
  readonly dayOf: (at: number) => string
}

/**
 * @param timeZone a name of the IANA database, such as `Europe/Berlin`
 * @throws RangeError for a name that isn't one
 */
export function calendarOf(timeZone: string): Calendar {
  const format = formats(timeZone)
  return {
    dayOf: at => {
      const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
      return `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`
    },
  }
}

/** The days from the first to the last, both included. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = []
  for (let day = first; day <= last; day = nextDay(day)) days.push(day)
  return days
}

export const nextDay = (day: string): string => shifted(day, 1)
export const dayBefore = (day: string): string => shifted(day, -1)

function shifted(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

export function monthOf(day: string): string {
  return day.slice(0, 7)
}

/** How many months later the second month is. */
export function monthsApart(from: string, to: string): number {
  const ordinal = (month: string): number =>
    Number.parseInt(month.slice(0, 4), 10) * 12 + Number.parseInt(month.slice(5, 7), 10)
  return ordinal(to) - ordinal(from)
}

/** @param count 0 and above */
export function monthAfter(month: string, count: number): string {
  const index = Number.parseInt(month.slice(5, 7), 10) - 1 + count
  const year = Number.parseInt(month.slice(0, 4), 10) + Math.floor(index / 12)
  return `${String(year).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}`
}
