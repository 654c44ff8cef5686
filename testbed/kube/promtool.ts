import { execFile } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCached } from '@fairlead/servers/cache'
import { distribution, unpackDebian } from '@fairlead/servers/debian'
import { onPath, type Progress, search } from '@fairlead/servers/search'

/** Runs promtool in a folder; answers with what it says, rejects with what it finds wrong. */
export type Promtool = (args: readonly string[], folder: string) => Promise<string>

/** Prometheus' checker of rules: the machine's own, or Debian's, unpacked into the cache. */
export async function findPromtool(progress: Progress = console.error): Promise<Promtool> {
  const debian = {
    name: 'Debian package',
    async look() {
      const release = await distribution()
      if (release === undefined) return { none: 'not Debian or Ubuntu' }
      const unpack = async (folder: string) => {
        const scratch = join(folder, 'scratch')
        await mkdir(scratch)
        await unpackDebian(['prometheus'], scratch, progress)
        // It is one program of a package that is seven times as large.
        await rename(join(scratch, 'usr/bin/promtool'), join(folder, 'promtool'))
        await rm(scratch, { recursive: true })
      }
      const folder = await makeCached(`promtool-${release}-${process.arch}`, unpack, progress)
      return { path: join(folder, 'promtool') }
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
