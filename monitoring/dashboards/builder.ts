/** Dashboards as data, and the JSON that Grafana reads (schema version 39). */

export type Unit = 'short' | 's' | 'reqps' | 'ops' | 'bytes' | 'Bps' | 'percentunit' | 'bool'

export interface Target {
  readonly expr: string
  /** Of each series, with `{{label}}`. Empty where there is one series only. */
  readonly legend: string
}

interface PanelBase {
  readonly title: string
  /** What is shown, and what to do about it. */
  readonly description: string
  readonly targets: readonly Target[]
  readonly unit: Unit
  /** Of 24 columns. Default 8; a stat 4. */
  readonly width?: number
  /** Its queries may have no series while all is well, such as a list of firing alerts. */
  readonly mayBeEmpty?: true
  /** Points lead to traces: dots that name one each. */
  readonly exemplars?: true
  /** Values may be below 0. */
  readonly mayBeNegative?: true
}

export type Panel =
  | (PanelBase & {
      readonly kind: 'stat'
      /** The value from which it is shown in orange, and in red: those of the alert. `below` turns them round. */
      readonly thresholds?: { readonly warn: number; readonly bad: number; readonly below?: true }
    })
  | (PanelBase & { readonly kind: 'timeseries'; readonly stacked?: true })
  | (PanelBase & { readonly kind: 'state-timeline' })
  | (PanelBase & { readonly kind: 'heatmap' })
  | (PanelBase & { readonly kind: 'table' })
  | { readonly kind: 'text'; readonly title: string; readonly text: string; readonly width?: number }

export interface Variable {
  readonly name: string
  readonly label: string
  /** `label_values(metric, label)` of Grafana. */
  readonly query: string
}

export interface Dashboard {
  /** The file's name and, behind `fairlead-`, its uid. */
  readonly name: string
  readonly title: string
  readonly description: string
  /** Beside the namespace, in their order. */
  readonly variables?: readonly Variable[]
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[]
}

/** Every dashboard has it. `fairlead_build_info` is a metric of all parts. */
export const namespaceVariable: Variable = {
  name: 'namespace',
  label: 'Namespace',
  query: 'label_values(fairlead_build_info, namespace)',
}

export const variablesOf = ({ variables = [] }: Dashboard): readonly Variable[] => [
  namespaceVariable,
  ...variables,
]

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
const datasource = { type: 'prometheus', uid: '${datasource}' } as const

export function dashboardJson(dashboard: Dashboard): string {
  const { name, title, description, rows } = dashboard
  const json = {
    uid: `fairlead-${name}`,
    title: `Fairlead: ${title}`,
    description,
    tags: ['fairlead'],
    timezone: '',
    schemaVersion: 39,
    version: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    editable: false,
    links: [
      { type: 'dashboards', tags: ['fairlead'], asDropdown: true, title: 'Fairlead', includeVars: true },
    ],
    annotations: { list: [releases] },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' },
        ...variablesOf(dashboard).map(variableJson),
      ],
    },
    panels: placed(rows),
  }
  // A list of one text on one line, as Biome formats JSON.
  const text = JSON.stringify(json, null, 2).replaceAll(/\[\n\s+("[^"\n]*")\n\s+\]/g, '[$1]')
  return `${text}\n`
}

/** A line where another version starts. */
const releases = {
  name: 'versions',
  datasource,
  enable: true,
  iconColor: 'blue',
  expr: 'count by (version) (fairlead_build_info{namespace="$namespace"}) unless count by (version) (fairlead_build_info{namespace="$namespace"} offset 2m)',
  titleFormat: '{{version}}',
} as const

const variableJson = ({ name, label, query }: Variable) => ({
  name,
  type: 'query',
  label,
  datasource,
  query: { query, refId: 'A' },
  refresh: 2,
  includeAll: false,
})

/** Panels from left to right, in rows of 24 columns. */
function placed(rows: Dashboard['rows']): object[] {
  const panels: object[] = []
  let y = 0
  let id = 1
  for (const row of rows) {
    panels.push({
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
      id: id++,
    })
    y += 1
    let x = 0
    let height = 0
    for (const panel of row.panels) {
      const w = panel.width ?? (panel.kind === 'stat' ? 4 : 8)
      const h = panel.kind === 'stat' || panel.kind === 'text' ? 4 : 8
      if (x + w > 24) {
        x = 0
        y += height
        height = 0
      }
      panels.push({ ...panelJson(panel), gridPos: { x, y, w, h }, id: id++ })
      x += w
      height = Math.max(height, h)
    }
    y += height
  }
  return panels
}

function panelJson(panel: Panel): object {
  if (panel.kind === 'text') {
    const { title, text } = panel
    return { type: 'text', title, options: { mode: 'markdown', content: text } }
  }
  const { kind, title, description, targets, unit } = panel
  return {
    type: kind,
    title,
    description,
    datasource,
    fieldConfig: {
      defaults: {
        unit,
        ...(!panel.mayBeNegative && { min: 0 }),
        noValue: panel.mayBeEmpty ? 'none' : 'no data',
        ...fieldOf(panel),
      },
      overrides: [],
    },
    options: optionsOf(panel),
    targets: targets.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      expr,
      legendFormat: legend,
      datasource,
      ...(panel.exemplars && { exemplar: true }),
      ...(kind === 'table' && { instant: true, format: 'table' }),
      ...(kind === 'heatmap' && { format: 'heatmap' }),
    })),
  }
}

type Drawn = Exclude<Panel, { kind: 'text' }>

function fieldOf(panel: Drawn): object {
  switch (panel.kind) {
    case 'stat':
      return panel.thresholds ? { thresholds: thresholdsJson(panel.thresholds) } : {}
    case 'timeseries':
      return {
        custom: {
          fillOpacity: panel.stacked ? 40 : 5,
          showPoints: 'never',
          ...(panel.stacked && { stacking: { mode: 'normal' } }),
        },
      }
    case 'state-timeline':
    case 'heatmap':
    case 'table':
      return {}
    default:
      return panel satisfies never
  }
}

function thresholdsJson({ warn, bad, below }: { warn: number; bad: number; below?: true }): object {
  const steps = below
    ? [
        { color: 'red', value: null },
        { color: 'orange', value: bad },
        { color: 'green', value: warn },
      ]
    : [
        { color: 'green', value: null },
        { color: 'orange', value: warn },
        { color: 'red', value: bad },
      ]
  return { mode: 'absolute', steps }
}

function optionsOf(panel: Drawn): object {
  switch (panel.kind) {
    case 'stat':
      return { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' }
    case 'timeseries':
      return {
        legend: {
          displayMode: 'list',
          placement: 'bottom',
          showLegend: panel.targets.some(({ legend }) => legend !== ''),
        },
        tooltip: { mode: 'multi', sort: 'desc' },
      }
    case 'state-timeline':
      return { mergeValues: true, showValue: 'never', legend: { showLegend: false } }
    case 'heatmap':
      return { calculate: false, yAxis: { unit: panel.unit } }
    case 'table':
      return { showHeader: true }
    default:
      return panel satisfies never
  }
}
