import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCached } from '@fairlead/servers/cache'
import { goInstall } from '@fairlead/servers/go'
import type { Progress } from '@fairlead/servers/search'

const version = '4.3.1'

/** Runs helm; answers with its output, rejects with what it says on standard error. */
export type Helm = (args: readonly string[]) => Promise<string>

/** Helm's program, built from its Go module where it isn't in the cache. */
export async function findHelmProgram(progress: Progress = console.error): Promise<string> {
  const folder = await makeCached(
    `helm-${version}-go`,
    async into => {
      progress(`building helm ${version} from its Go module: minutes the first time`)
      await goInstall(`helm.sh/helm/v4/cmd/helm@v${version}`, into)
    },
    progress,
  )
  return join(folder, 'helm')
}

/** Helm for templates and the like. @param home a folder for its own files */
export async function findHelm(home: string, progress: Progress = console.error): Promise<Helm> {
  const program = await findHelmProgram(progress)
  return async args => {
    const env = {
      ...process.env,
      HOME: home,
      XDG_CACHE_HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_DATA_HOME: home,
    }
    const { stdout } = await promisify(execFile)(program, [...args], {
      env,
      maxBuffer: 16 * 1024 * 1024,
    })
    return stdout
  }
}
