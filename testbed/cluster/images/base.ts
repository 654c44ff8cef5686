import { join, resolve } from 'node:path'
import { run } from '../node.ts'
import { addPrograms, addSystem, buildArchive } from './archive.ts'

/** The sandbox of every pod, instead of registry.k8s.io/pause. */
export function buildPauseImage(): Promise<string> {
  return buildArchive({
    tag: 'localhost/pause:1',
    version: '1',
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
    async fill(root) {
      const cwd = resolve(import.meta.dirname, 'pause')
      const env = { GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOFLAGS: '' }
      await run(
        ['go', '-C', cwd, 'build', '-trimpath', '-ldflags', '-s -w', '-o', join(root, 'pause'), '.'],
        { env },
      )
    },
  })
}

/** The cluster's DNS. @param program CoreDNS, as programs.ts builds it */
export function buildCoreDnsImage(program: string): Promise<string> {
  return buildArchive({
    tag: 'localhost/coredns:1',
    version: program,
    // Binds port 53.
    config: { Entrypoint: ['/coredns'], User: '0:0' },
    async fill(root) {
      await addSystem(root)
      await addPrograms(root, { '/coredns': program })
    },
  })
}
