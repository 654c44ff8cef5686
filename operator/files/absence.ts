/** The state of a document that no file declares any more. */
export type Absence =
  /** Absent for a moment: an editor or a sync may be at work. */
  | { readonly kind: 'unsettled'; readonly sinceMs: number }
  /** Absent for long enough to report it; the document stays in force. */
  | { readonly kind: 'missing'; readonly sinceMs: number }
  /** Taken for deleted. */
  | { readonly kind: 'gone' }

export type Absences = ReadonlyMap<string, Absence>

/** How long a document has to be absent, in ms, while the whole folder can be read. */
export interface AbsencePeriods {
  /** Until its absence is reported. */
  readonly tellAfterMs: number
  /** Until it counts as deleted. More than `tellAfterMs`. */
  readonly deleteAfterMs: number
}

/** Editors, deployments and syncs take files away and bring them again: docs/adr/0025. */
export const absencePeriods: AbsencePeriods = { tellAfterMs: 5_000, deleteAfterMs: 60_000 }

/**
 * The states of the documents that are absent now, given their states before. Pure. A document is reported as missing
 * in at least one look before it is gone, however long ago the last look was.
 *
 * @param absent the keys of all known documents that no file declares
 * @param readable whether all files can be read: while one can't, nothing is taken for deleted, and time starts anew
 */
export function absencesNow(
  before: Absences,
  absent: Iterable<string>,
  readable: boolean,
  nowMs: number,
  periods: AbsencePeriods,
): Absences {
  return new Map([...absent].map(key => [key, absenceNow(before.get(key), readable, nowMs, periods)]))
}

function absenceNow(
  before: Absence | undefined,
  readable: boolean,
  nowMs: number,
  { tellAfterMs, deleteAfterMs }: AbsencePeriods,
): Absence {
  if (!before) return { kind: 'unsettled', sinceMs: nowMs }
  switch (before.kind) {
    case 'unsettled':
      if (nowMs - before.sinceMs < tellAfterMs) return before
      return { kind: 'missing', sinceMs: readable ? before.sinceMs : nowMs }
    case 'missing':
      if (!readable) return { kind: 'missing', sinceMs: nowMs }
      return nowMs - before.sinceMs < deleteAfterMs ? before : { kind: 'gone' }
    case 'gone':
      return before
    default:
      return before satisfies never
  }
}

/** While the folder itself can't be read, no time of absence passes. Pure. */
export function restartAbsences(absences: Absences, nowMs: number): Absences {
  return new Map(
    [...absences].map(([key, absence]) => [
      key,
      absence.kind === 'gone' ? absence : { ...absence, sinceMs: nowMs },
    ]),
  )
}

/** Changes to report: documents that are missing now, and documents that are declared again. */
export function absenceNews(
  before: Absences,
  now: Absences,
): { readonly missing: readonly string[]; readonly back: readonly string[] } {
  const isMissing = (absences: Absences) => (key: string) => absences.get(key)?.kind === 'missing'
  return {
    missing: [...now.keys()].filter(key => isMissing(now)(key) && !isMissing(before)(key)),
    back: [...before.keys()].filter(key => isMissing(before)(key) && !now.has(key)),
  }
}
