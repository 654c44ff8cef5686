import { join } from 'node:path'
import { makeCached } from '@fairlead/servers/cache'
import { goInstall } from '@fairlead/servers/go'
import type { Program, Progress } from '@fairlead/servers/search'

/** Prometheus 3.16.0: its module says v0.316.0. */
const version = 'v0.316.0'
const programs = ['prometheus', 'promtool'] as const
/** The only discovery is by files, and the pages are left out, which are no part of the module: nobody looks at them here. */
const tags = 'remove_all_sd'

/** The newest Prometheus, or its promtool, built from its Go module where they aren't in the cache. */
export async function findNewestPrometheus(
  name: (typeof programs)[number],
  progress: Progress = console.error,
): Promise<Program> {
  const folder = await makeCached(
    `prometheus-${version}-go`,
    async into => {
      progress(`building prometheus ${version} from its Go module: some minutes the first time`)
      await goInstall(
        programs.map(program => `github.com/prometheus/prometheus/cmd/${program}@${version}`),
        into,
        tags,
      )
    },
    progress,
  )
  return { path: join(folder, name) }
}
