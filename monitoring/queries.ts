import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { allAlerts } from './alerts/all.ts'
import { recordingGroups } from './alerts/objectives.ts'

/** Every query that this repository gives to people: of alerts, recordings, runbook pages and dashboards. */
export interface Query {
  readonly of: string
  readonly expr: string
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboards = resolve(import.meta.dirname, '../charts/fairlead/dashboards')

export function allQueries(): Query[] {
  return [
    ...allAlerts.map(({ name, expr }) => ({ of: name, expr })),
    ...recordingGroups.flatMap(({ rules }) => rules.map(({ record, expr }) => ({ of: record, expr }))),
    ...allAlerts.flatMap(({ name, runbook }) =>
      runbook.diagnosis.map(({ query }) => ({ of: `runbook of ${name}`, expr: query })),
    ),
    ...readdirSync(dashboards).flatMap(file => {
      const { panels } = JSON.parse(readFileSync(join(dashboards, file), 'utf8')) as {
        panels: readonly Panel[]
      }
      return panels.flatMap(({ title, targets = [] }) =>
        targets.map(({ expr }) => ({ of: `${file}: ${title}`, expr })),
      )
    }),
  ]
}

/** Recorded series, with the labels of each. */
export const recordedSeries: ReadonlyMap<string, readonly string[]> = new Map(
  recordingGroups.flatMap(({ rules }) =>
    rules.map(
      ({ record }) =>
        [record, record.includes('organization') ? ['organization', 'objective'] : ['objective']] as const,
    ),
  ),
)
