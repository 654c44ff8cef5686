/**
 * Times as people type them: `-2h`, `now`, `today`, `yesterday 14:00`, ISO 8601 (the viewer's zone where none is named),
 * seconds or milliseconds since 1970. Undefined where it is none of these.
 */
export function readTime(typed: string, now: Date): Date | undefined {
  const text = typed.trim().toLowerCase()
  if (text === '') return undefined
  if (text === 'now') return now
  return readRelative(text, now) ?? readDay(text, now) ?? readEpoch(text) ?? readIso(typed.trim())
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

function readRelative(text: string, now: Date): Date | undefined {
  const match = /^-(\d{1,6})([smhdw])$/.exec(text)
  return match ? new Date(now.getTime() - Number(match[1]) * unitMs[match[2]!]!) : undefined
}

function readDay(text: string, now: Date): Date | undefined {
  const match = /^(today|yesterday)(?: ([01]?\d|2[0-3]):([0-5]\d))?$/.exec(text)
  if (!match) return undefined
  const day = now.getDate() - (match[1] === 'yesterday' ? 1 : 0)
  return new Date(now.getFullYear(), now.getMonth(), day, Number(match[2] ?? 0), Number(match[3] ?? 0))
}

function readEpoch(text: string): Date | undefined {
  if (/^\d{9,10}$/.test(text)) return new Date(Number(text) * 1_000)
  return /^\d{12,13}$/.test(text) ? new Date(Number(text)) : undefined
}

function readIso(text: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(?:$|[T ])/.test(text)) return undefined
  // A date alone would be midnight in UTC, unlike a date with a time.
  const date = new Date(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'))
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Time parameters with relative times made absolute: the address then means the same tomorrow. */
export function freezeTimes<Kind extends Readonly<Record<string, string>>>(search: Kind, now: Date): Kind {
  const frozen: Record<string, string> = { ...search }
  for (const [name, value] of Object.entries(search)) {
    const time = /(?:after|before)$/i.test(name) ? readTime(value, now) : undefined
    if (time) frozen[name] = time.toISOString()
  }
  return frozen as Kind
}
