import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCached } from '@fairlead/standalone/servers/cache'
import { distribution, unpackDebian } from '@fairlead/standalone/servers/debian'
import { onPath, type Progress, search } from '@fairlead/standalone/servers/search'

/** Runs promtool in a folder; answers with what it says, rejects with what it finds wrong. */
export type Promtool = (args: readonly string[], folder: string) => Promise<string>

/** Prometheus' checker of rules: the machine's own, or Debian's, unpacked into the cache. */
export async function findPromtool(progress: Progress = console.error): Promise<Promtool> {
  const debian = {
    name: 'Debian package',
    async look() {
      const release = await distribution()
      if (release === undefined) return { none: 'not Debian or Ubuntu' }
      const unpack = (folder: string) => unpackDebian(['prometheus'], folder, progress)
      const folder = await makeCached(`prometheus-${release}-${process.arch}`, unpack, progress)
      return { path: join(folder, 'usr/bin/promtool') }
    },
  }
  const { path } = await search(
    'promtool',
    [onPath(['promtool'], [2, 42]), debian],
    'install Prometheus 2.42',
  )
  return async (args, folder) => {
    const { stdout } = await promisify(execFile)(path, [...args], { cwd: folder })
    return stdout
  }
}
