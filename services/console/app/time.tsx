import { type ClipboardEvent, useEffect, useState } from 'react'

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
const dayAndTime = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const inUtc = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  timeZone: 'UTC',
  hourCycle: 'h23',
})

/** The viewer's zone, written at the head of every column of times. */
export const zoneName = zone

/** A time in the viewer's zone; UTC and how long ago by hover (`TimeHint`); copied as ISO 8601. */
export function Time({ at }: { readonly at: string | null }) {
  if (at === null) return <span className="muted">–</span>
  return (
    <time dateTime={at} onCopy={copyIso}>
      {dayAndTime.format(new Date(at))}
    </time>
  )
}

/** How long ago, kept current; the rest as of `Time`. */
export function Ago({ at }: { readonly at: string | null }) {
  const now = useNow(10_000)
  if (at === null) return <span className="muted">never</span>
  return (
    <time dateTime={at} onCopy={copyIso}>
      {agoOf(new Date(at), now)}
    </time>
  )
}

function copyIso(event: ClipboardEvent<HTMLTimeElement>): void {
  event.clipboardData.setData('text/plain', new Date(event.currentTarget.dateTime).toISOString())
  event.preventDefault()
}

/** A time in the viewer's zone, in UTC, and how long ago. */
export const wordsOf = (date: Date): string =>
  `${dayAndTime.format(date)} ${zone} · ${inUtc.format(date)} UTC · ${agoOf(date, new Date())}`

function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'narrow' })
const steps = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

export function agoOf(then: Date, now: Date): string {
  const seconds = Math.round((then.getTime() - now.getTime()) / 1_000)
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit)
  }
  return relative.format(seconds, 'second')
}
