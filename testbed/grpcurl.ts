import { join } from 'node:path'
import { makeCached } from '@fairlead/servers/cache'
import { goInstall } from '@fairlead/servers/go'
import type { Progress } from '@fairlead/servers/search'

const version = 'v1.9.4'

/** The path of grpcurl, built from its Go module where it isn't in the cache. */
export async function findGrpcurl(progress: Progress = console.error): Promise<string> {
  const folder = await makeCached(
    `grpcurl-${version}`,
    async into => {
      progress(`building grpcurl ${version} from its Go module: a minute the first time`)
      await goInstall(`github.com/fullstorydev/grpcurl/cmd/grpcurl@${version}`, into)
    },
    progress,
  )
  return join(folder, 'grpcurl')
}
