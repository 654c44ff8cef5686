import { join } from 'node:path'
import { makeCached } from '@fairlead/servers/cache'
import { goInstall } from '@fairlead/servers/go'
import type { Progress } from '@fairlead/servers/search'

const version = 'v1.7.12'

/** The path of actionlint (MIT), built from its Go module where it isn't in the cache. */
export async function findActionlint(progress: Progress = console.error): Promise<string> {
  const folder = await makeCached(
    `actionlint-${version}`,
    async into => {
      progress(`building actionlint ${version} from its Go module: half a minute the first time`)
      await goInstall(`github.com/rhysd/actionlint/cmd/actionlint@${version}`, into)
    },
    progress,
  )
  return join(folder, 'actionlint')
}
