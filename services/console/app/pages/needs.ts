import type { Destination, Issue, Organization, Source } from '@fairlead/client/gen/client'
import type { Tone } from '../parts/tone.ts'

/** Something that waits for a person, and the page where it is dealt with. */
export interface Need {
  readonly tone: Tone
  readonly word: string
  readonly text: string
  readonly to: string
  readonly search?: Readonly<Record<string, string>>
}

export interface Looked {
  readonly organization: Organization
  readonly destinations: readonly Destination[]
  readonly sources: readonly Source[]
  readonly issues: readonly Issue[]
  /** Says an issue in a line. */
  readonly titleOf: (issue: Issue) => string
}

/** What waits for a person, the worst first. */
export function needsOf({ organization, destinations, sources, issues, titleOf }: Looked): readonly Need[] {
  const at = `/organizations/${organization.slug}`
  return [
    ...needsOfOrganization(at, organization),
    ...issues.map(issue => ({
      tone: 'bad' as const,
      word: issue.regressed ? 'again' : 'issue',
      text: `${titleOf(issue)}, ${issue.failures.toLocaleString()} ${issue.failures === 1 ? 'time' : 'times'}`,
      to: `${at}/issues/${issue.id}`,
    })),
    ...destinations.flatMap(destination => needsOfDestination(at, destination)),
    ...sources.flatMap(source => needsOfSource(at, source)),
  ]
}

function needsOfOrganization(at: string, { active, quotaExceeded }: Organization): Need[] {
  return [
    ...(active
      ? []
      : [{ tone: 'bad' as const, word: 'inactive', text: 'Its webhooks are refused', to: `${at}/settings` }]),
    ...(quotaExceeded
      ? [
          {
            tone: 'bad' as const,
            word: 'over quota',
            text: 'The month’s webhooks are used up',
            to: `${at}/usage`,
          },
        ]
      : []),
  ]
}

function needsOfDestination(at: string, destination: Destination): Need[] {
  const { name, dead, state, pauseReason } = destination
  return [
    ...(state === 'paused' && pauseReason !== 'declared'
      ? [
          {
            tone: 'warn' as const,
            word: 'paused',
            text: `${name} gets nothing (${pauseReason?.replaceAll('_', ' ')})`,
            to: `${at}/destinations`,
            search: { open: destination.id },
          },
        ]
      : []),
    ...(dead > 0
      ? [
          {
            tone: 'bad' as const,
            word: 'dead',
            text: `${dead.toLocaleString()} dead ${dead === 1 ? 'letter' : 'letters'} to ${name}`,
            to: `${at}/dead-letters`,
            search: { destination: name },
          },
        ]
      : []),
  ]
}

function needsOfSource(at: string, { name, lastHour }: Source): Need[] {
  return lastHour.swallowing
    ? [
        {
          tone: 'warn',
          word: 'repeats',
          text: `${name} swallows repeats that differ: ${lastHour.differing} in the last hour`,
          to: `${at}/rejections`,
          search: { source: name },
        },
      ]
    : []
}
