import { makeCached } from '@fairlead/servers/cache'
import { distribution, unpackDebian } from '@fairlead/servers/debian'
import type { Progress } from '@fairlead/servers/search'
import { run } from '../node.ts'

/** The folder of Debian's psql and busybox, unpacked into the cache. */
export async function findDebianTools(progress: Progress = console.error): Promise<string> {
  const release = await distribution()
  if (release === undefined) throw new Error('psql and busybox come from Debian packages')
  return makeCached(
    `psql-busybox-${release}-${process.arch}`,
    async into => {
      // The package is named for its version: the one of this release.
      const found = await run(['apt-cache', 'depends', 'postgresql-client'])
      const client = /Depends: (postgresql-client-\d+)/.exec(found)?.[1] ?? 'postgresql-client-15'
      await unpackDebian([client, 'busybox-static'], into, progress)
    },
    progress,
  )
}
