import { createHash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { type Pack, pack } from 'tar-stream'

/** One thing in a layer. `path` is below the image's root, with slashes and without one at the beginning. */
export type Entry =
  | { kind: 'file'; path: string /** Where its bytes are. */; from: string; mode: number }
  | { kind: 'text'; path: string; text: string; mode: number }
  | { kind: 'link'; path: string; target: string }
  | {
      kind: 'directory'
      path: string
      mode: number /** Its user and group; root by default. */
      owner?: number
    }

/** A blob of the OCI layout. */
export interface Blob {
  /** `sha256:` and hexadecimal digits. */
  readonly digest: string
  readonly bytes: number
}

/** Bytes that are written to the disk together: a layer has thousands of small files, with a header each. */
const writtenTogether = 1024 * 1024

/** Every file has the same age, in every build. */
const mtime = new Date(0)

/**
 * Writes a layer: an uncompressed tar, so that its bytes don't depend on anybody's zlib. The same entries give the same
 * bytes: they are sorted, folders above them are added, and times and owners are fixed.
 * @returns its digest and size; uncompressed, so the digest is its diffID too
 * @throws TypeError if two entries have the same path
 */
export async function writeLayer(entries: readonly Entry[], path: string): Promise<Blob> {
  const tar = pack()
  const added = addAll(tar, withFolders(entries))
  const hash = createHash('sha256')
  let bytes = 0
  let waiting: Buffer[] = []
  let waitingBytes = 0
  await using file = await open(path, 'w')
  const flush = async (): Promise<void> => {
    await file.writeFile(Buffer.concat(waiting))
    waiting = []
    waitingBytes = 0
  }
  for await (const chunk of tar as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes >= writtenTogether) await flush()
  }
  await flush()
  await added
  return { digest: `sha256:${hash.digest('hex')}`, bytes }
}

async function addAll(tar: Pack, entries: readonly Entry[]): Promise<void> {
  try {
    for (const entry of entries) await add(tar, entry)
    tar.finalize()
  } catch (error) {
    tar.destroy(error as Error)
    throw error
  }
}

async function add(tar: Pack, entry: Entry): Promise<void> {
  const header = { name: entry.path, mtime, uid: 0, gid: 0 }
  switch (entry.kind) {
    case 'file':
      tar.entry({ ...header, mode: entry.mode }, await readFile(entry.from))
      return
    case 'text':
      tar.entry({ ...header, mode: entry.mode }, entry.text)
      return
    case 'link':
      tar.entry({ ...header, type: 'symlink', linkname: entry.target })
      return
    case 'directory': {
      const { owner = 0 } = entry
      tar.entry({ ...header, type: 'directory', mode: entry.mode, uid: owner, gid: owner })
      return
    }
    default:
      entry satisfies never
  }
}

/** The entries with the folders that they are in, each before what is in it. */
function withFolders(entries: readonly Entry[]): Entry[] {
  const all = new Map<string, Entry>()
  for (const entry of entries) {
    if (all.has(entry.path)) throw new TypeError(`a layer has ${entry.path} twice`)
    all.set(entry.path, entry)
  }
  for (const { path } of entries) {
    for (
      let folder = posix.dirname(path);
      folder !== '.' && !all.has(folder);
      folder = posix.dirname(folder)
    ) {
      all.set(folder, { kind: 'directory', path: folder, mode: 0o755 })
    }
  }
  return [...all.values()].sort((one, other) => (one.path < other.path ? -1 : 1))
}
