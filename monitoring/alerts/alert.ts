/** An alert and its runbook page: the one source of charts/fairlead/alerts.yaml and of docs/operations/alerts/. */
export interface Alert {
  readonly name: `Fairlead${string}`
  /**
   * `critical`: webhooks are refused or nothing is delivered, so somebody is woken. `warning`: somebody should look today.
   * `info`: for dashboards.
   */
  readonly severity: 'critical' | 'warning' | 'info'
  /** PromQL. Every part of it is grouped by `namespace`, so that one of several installations is named. */
  readonly expr: string
  /** At least two scrapes of 30 s. Absent: at once, for what is counted over a longer time. */
  readonly for?: string
  readonly summary: string
  readonly description: string
  readonly runbook: Runbook
}

export interface Runbook {
  readonly meaning: string
  /** Who waits for what; whether anything is lost. */
  readonly impact: string
  /** Queries to paste, `$namespace` to be replaced, and what their results say. Each is run by the tests. */
  readonly diagnosis: readonly { readonly query: string; readonly tells: string }[]
  readonly mitigation: readonly string[]
  /** How one knows that it worked. */
  readonly verification: string
}

/**
 * A part of which nothing is scraped: it is expected by the operator, or was there in the last day. By namespace, so that a
 * dead installation is named beside one that lives; `absent()` would say nothing then.
 */
export const missing = (component: string, metric: string): string =>
  `(
  group by (namespace) (fairlead_component_expected{component="${component}"})
    or group by (namespace) (present_over_time(${metric}[1d]))
) unless group by (namespace) (${metric})`

/** Diagnosis of a part that is missing. */
export const whoIsThere = (component: string, metric: string): Runbook['diagnosis'] => [
  {
    query: `count by (namespace, pod) (${metric}{namespace="$namespace"})`,
    tells: `the pods of the ${component} that Prometheus scrapes. None: no pod runs, or Prometheus does not reach them (NetworkPolicy, ServiceMonitor)`,
  },
  {
    query: 'count by (namespace, version) (fairlead_build_info{namespace="$namespace"})',
    tells:
      'how many pods of the installation are scraped at all, and of which version. None: the installation, or the way of Prometheus to it, is gone',
  },
]
