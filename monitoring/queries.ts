import { allAlerts } from './alerts/all.ts'
import { recordingGroups } from './alerts/objectives.ts'
import { allDashboards } from './dashboards/all.ts'

/** Every query that this repository gives to people: of alerts, recordings, runbook pages and dashboards. */
export interface Query {
  readonly of: string
  readonly expr: string
  /** Of a panel: how each series is called. */
  readonly legend?: string
  /** It may have no result while all is well. */
  readonly mayBeEmpty: boolean
}

export function allQueries(): Query[] {
  return [
    ...allAlerts.map(({ name, expr }) => ({ of: name, expr, mayBeEmpty: true })),
    ...recordingGroups.flatMap(({ rules }) =>
      rules.map(({ record, expr }) => ({ of: record, expr, mayBeEmpty: false })),
    ),
    ...allAlerts.flatMap(({ name, runbook }) =>
      runbook.diagnosis.map(({ query }) => ({
        of: `runbook of ${name}`,
        expr: query,
        // Such a query lists what is wrong; Replays are resources of Kubernetes, and there are none without it.
        mayBeEmpty: / (?:==|>) 0$/.test(query) || query.includes('fairlead_replays'),
      })),
    ),
    ...panelQueries(),
  ]
}

export const panelQueries = (): Query[] =>
  allDashboards.flatMap(({ name, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap(panel =>
        panel.kind === 'text'
          ? []
          : panel.targets.map(({ expr, legend }) => ({
              of: `${name}: ${panel.title}`,
              expr,
              legend,
              mayBeEmpty: panel.mayBeEmpty === true,
            })),
      ),
    ),
  )

/** Recorded series, with the labels of each. */
export const recordedSeries: ReadonlyMap<string, readonly string[]> = new Map(
  recordingGroups.flatMap(({ rules }) =>
    rules.map(
      ({ record }) =>
        [record, record.includes('organization') ? ['organization', 'objective'] : ['objective']] as const,
    ),
  ),
)
