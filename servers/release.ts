import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { cached, makeCached } from './cache.ts'
import type { Place, Progress } from './search.ts'

/**
 * nats-server's official release. The checksums are part of this file, so that a changed archive is refused whatever
 * the download site says. Linux: as in the server's own image recipe, nats-io/nats-docker 2.15.x/alpine3.22/Dockerfile.
 * macOS has no image; there `go install` or the PATH is used.
 */
const version = '2.15.0'
const sha256: Readonly<Record<string, string>> = {
  'linux-amd64': '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92',
  'linux-arm64': 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112',
}

/** Without an answer in this time the site can't be reached, and the next place is tried. */
const answerTimeoutMs = 4_000
/** No byte for so long means that the download is stuck. */
const stallTimeoutMs = 20_000

/** The official release, downloaded into the cache. */
export function natsRelease(progress: Progress): Place {
  return {
    name: `release ${version}`,
    async look() {
      const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
      const checksum = sha256[platform]
      if (checksum === undefined) return { none: `none with a known checksum for ${platform}` }
      const entry = `nats-server-${version}-release`
      const have = await cached(entry)
      if (have) return { path: join(have, 'nats-server') }
      const stem = `nats-server-v${version}-${platform}`
      const url = `https://github.com/nats-io/nats-server/releases/download/v${version}/${stem}.tar.gz`
      try {
        const folder = await makeCached(
          entry,
          into => unpackRelease(url, checksum, stem, into, progress),
          progress,
        )
        return { path: join(folder, 'nats-server') }
      } catch (error) {
        return { none: error instanceof Error ? reasonOf(error) : String(error) }
      }
    },
  }
}

async function unpackRelease(
  url: string,
  checksum: string,
  stem: string,
  folder: string,
  progress: Progress,
) {
  const archive = join(folder, 'archive.tar.gz')
  await download(url, checksum, archive, progress)
  await promisify(execFile)('tar', ['-xzf', archive, '-C', folder])
  await rename(join(folder, stem, 'nats-server'), join(folder, 'nats-server'))
  await rm(archive)
  await rm(join(folder, stem), { recursive: true })
}

/**
 * Downloads to a file and compares its SHA-256.
 * @throws when nothing answers in 4 s, nothing comes for 20 s, the status isn't 200, or the checksum differs
 */
export async function download(
  url: string,
  checksum: string,
  file: string,
  progress: Progress,
): Promise<void> {
  const aborter = new AbortController()
  let timer = setTimeout(() => aborter.abort(new Error('no answer')), answerTimeoutMs)
  const waitAgain = () => {
    clearTimeout(timer)
    timer = setTimeout(() => aborter.abort(new Error('the download got stuck')), stallTimeoutMs)
  }
  try {
    const response = await fetch(url, { signal: aborter.signal })
    if (!response.ok || !response.body) throw new Error(`answered ${response.status}`)
    progress(`downloading ${url}`)
    const hash = createHash('sha256')
    const watch = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        waitAgain()
        hash.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(file), {
      signal: aborter.signal,
    })
    const digest = hash.digest('hex')
    if (digest !== checksum) throw new Error(`checksum ${digest} isn't the pinned ${checksum}: refused`)
  } finally {
    clearTimeout(timer)
  }
}

function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
