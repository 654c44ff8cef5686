import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Entry, writeLayer } from '@fairlead/image/layer'
import { writeArchive } from '@fairlead/image/oci'
import { makeCached } from '@fairlead/servers/cache'
import { run } from '../node.ts'

/** An image made of files of this machine. */
export interface ServerImage {
  /** Such as `localhost/nats:1`. */
  readonly tag: string
  /** Changes when what is in it does. */
  readonly version: string
  readonly entrypoint: readonly string[]
  /** `KEY=value`; default none but PATH. */
  readonly env?: readonly string[]
  /** Default: `/`. */
  readonly workdir?: string
  /** Default: root, unless the pod says whom. */
  readonly user?: string
  /** What is in it. @param scratch an empty folder for what has to be built first */
  entries(scratch: string): Promise<readonly Entry[]>
}

/** The image as an OCI archive, from the cache if it was made before. @returns its path */
export async function buildArchive(image: ServerImage): Promise<string> {
  const { tag, version, entrypoint, env = [], workdir = '/', user = '' } = image
  const folder = await makeCached(
    `image-${tag.replaceAll(/[^a-z0-9.]+/g, '-')}-${version}`,
    async into => {
      // Inside of the entry until that is whole: what is killed here is removed with it.
      const scratch = join(into, 'scratch')
      await mkdir(scratch)
      const file = join(scratch, 'layer')
      const layer = { ...(await writeLayer(unique(await image.entries(scratch)), file)), file }
      const recipe = { copies: [], runs: [], from: [], labels: {}, entrypoint, env, workdir, user }
      await writeArchive({ tag, recipe, layers: [layer] }, join(into, 'image.tar'))
      await rm(scratch, { recursive: true })
    },
    console.error,
  )
  return join(folder, 'image.tar')
}

/** Several programs name the same libraries. */
function unique(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map(entry => [entry.path, entry])).values()]
}

/** A program where it is in the image, with its libraries. @param libraryPath where more of those are */
export async function programEntries(target: string, source: string, libraryPath = ''): Promise<Entry[]> {
  const program: Entry = { kind: 'file', path: target, from: source, mode: 0o755 }
  return [program, ...(await libraryEntries(source, libraryPath))]
}

/** Every library that a program names, the loader included, except those that come with it. */
export async function libraryEntries(program: string, libraryPath = ''): Promise<Entry[]> {
  const named = await run(['ldd', program], { env: { LD_LIBRARY_PATH: libraryPath } }).catch(() => '')
  return [...named.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path = '']): Entry[] => {
    if (/^\/(lib|lib64|usr\/lib)\//.test(path))
      return [{ kind: 'file', path: path.slice(1), from: path, mode: 0o755 }]
    // From the cache: to where the loader looks.
    const place = join('usr/lib/x86_64-linux-gnu', basename(path))
    return libraryPath && path.startsWith(libraryPath)
      ? [{ kind: 'file', path: place, from: path, mode: 0o755 }]
      : []
  })
}

/** The folders, accounts and name services that programs expect to find. */
export function systemEntries(accounts: Readonly<Record<string, number>> = {}): Entry[] {
  const all = Object.entries({ root: 0, nonroot: 65_532, ...accounts })
  const passwd = all.map(([name, id]) => `${name}:x:${id}:${id}::/tmp:/bin/sh\n`).join('')
  const group = all.map(([name, id]) => `${name}:x:${id}:\n`).join('')
  // glibc loads these by name, so ldd doesn't know of them.
  const libraries = ['libnss_dns.so.2', 'libnss_files.so.2'].map(name => `lib/x86_64-linux-gnu/${name}`)
  return [
    ...['proc', 'sys', 'dev', 'run'].map((path): Entry => ({ kind: 'directory', path, mode: 0o755 })),
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    { kind: 'text', path: 'etc/passwd', text: passwd, mode: 0o644 },
    { kind: 'text', path: 'etc/group', text: group, mode: 0o644 },
    { kind: 'text', path: 'etc/nsswitch.conf', text: 'hosts: files dns\n', mode: 0o644 },
    ...libraries.map((path): Entry => ({ kind: 'file', path, from: `/${path}`, mode: 0o755 })),
  ]
}

/** All files of a folder; links become the files that they lead to. */
export async function folderEntries(target: string, source: string): Promise<Entry[]> {
  const found = await readdir(source, { recursive: true, withFileTypes: true })
  const files = found.filter(entry => !entry.isDirectory()).map(entry => join(entry.parentPath, entry.name))
  return Promise.all(
    files.map(async (from): Promise<Entry> => {
      const { mode } = await stat(from)
      return { kind: 'file', path: join(target, from.slice(source.length)), from, mode: mode & 0o777 }
    }),
  )
}
