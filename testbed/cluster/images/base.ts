import { basename, dirname, join, resolve } from 'node:path'
import { goBuild } from '@fairlead/servers/go'
import { buildArchive, programEntries, systemEntries } from './archive.ts'

/** The sandbox of every pod, instead of registry.k8s.io/pause. */
export function buildPauseImage(): Promise<string> {
  return buildArchive({
    tag: 'localhost/pause:1',
    version: '1',
    entrypoint: ['/pause'],
    user: '65535:65535',
    async entries(scratch) {
      await goBuild(resolve(import.meta.dirname, 'pause'), ['.'], scratch)
      return programEntries('pause', join(scratch, 'pause'))
    },
  })
}

/** The cluster's DNS. @param program CoreDNS, as programs.ts builds it: its folder's name says which */
export function buildCoreDnsImage(program: string): Promise<string> {
  return buildArchive({
    tag: 'localhost/coredns:1',
    version: basename(dirname(program)),
    entrypoint: ['/coredns'],
    // Binds port 53.
    user: '0:0',
    entries: async () => [...systemEntries(), ...(await programEntries('coredns', program))],
  })
}
