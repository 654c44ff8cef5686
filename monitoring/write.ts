import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { allAlerts } from './alerts/all.ts'
import { rulesFile } from './alerts/rules-file.ts'
import { alertsPage, runbookPage } from './alerts/runbook-page.ts'
import { allDashboards } from './dashboards/all.ts'
import { dashboardJson } from './dashboards/builder.ts'
import { metricsPage } from './metrics-page.ts'
import { readMetrics } from './registries.ts'

/** Files that are made from this workspace: path from the root → content. `node monitoring/write.ts` writes them. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const metrics = await readMetrics()
  return new Map([
    ['docs/operations/metrics.md', metricsPage(metrics.values())],
    ['charts/fairlead/alerts.yaml', rulesFile()],
    ...allDashboards.map(
      dashboard => [`charts/fairlead/dashboards/${dashboard.name}.json`, dashboardJson(dashboard)] as const,
    ),
    ['docs/operations/alerts/README.md', alertsPage(allAlerts)],
    ...allAlerts.map(alert => [`docs/operations/alerts/${alert.name}.md`, runbookPage(alert)] as const),
  ])
}

/** Folders that hold nothing but generated files: what is left there of an earlier version is removed. */
const generatedFolders = ['docs/operations/alerts', 'charts/fairlead/dashboards']

const root = resolve(import.meta.dirname, '..')

/** Paths of generated files that are not as they would be made now. */
export async function staleFiles(): Promise<string[]> {
  const files = await generatedFiles()
  const stale = [...files].filter(([path, text]) => contentOf(path) !== text).map(([path]) => path)
  return [...stale, ...leftOver(files)]
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

function leftOver(files: ReadonlyMap<string, string>): string[] {
  return generatedFolders
    .flatMap(folder => readdirSync(join(root, folder)).map(name => `${folder}/${name}`))
    .filter(path => !files.has(path))
}

if (import.meta.main) {
  const files = await generatedFiles()
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const path of leftOver(files)) rmSync(join(root, path))
  console.log(`${files.size} files of monitoring`)
}
