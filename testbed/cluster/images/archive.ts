import { createHash } from 'node:crypto'
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cacheFolder, makeCached } from '@fairlead/standalone/servers/cache'
import { run } from '../node.ts'

/** What a container of the image runs, as in the image's specification (https://github.com/opencontainers/image-spec). */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly User?: string
  readonly WorkingDir?: string
}

/** An image made of files of this machine: its name, what is in it, and what runs. */
export interface ImageRecipe {
  /** Such as `localhost/pause:1`. */
  readonly tag: string
  /** Puts the image's files below `root`. */
  readonly fill: (root: string) => Promise<void>
  readonly config: ImageConfig
  /** Changes when the contents do: names and versions of what is in it. */
  readonly version: string
}

/** The image as an OCI archive with one layer, from the cache if it was made before. @returns its path */
export async function buildArchive(recipe: ImageRecipe): Promise<string> {
  const { tag, config, version, fill } = recipe
  const key = createHash('sha256')
    .update(JSON.stringify([tag, config, version, fill.toString()]))
    .digest('hex')
    .slice(0, 12)
  const name = tag.replaceAll(/[^a-z0-9.]+/g, '-')
  const folder = await makeCached(`image-${name}-${key}`, into => write(recipe, into), console.error)
  return join(folder, 'image.tar')
}

async function write({ tag, fill, config }: ImageRecipe, into: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  const work = await mkdtemp(join(cacheFolder(), 'image-'))
  try {
    const root = join(work, 'root')
    await mkdir(root)
    await fill(root)
    const layout = join(work, 'layout')
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true })
    const layer = join(work, 'layer.tar')
    // Owned by root, of one time, in order: the same bytes each time.
    await run([
      'tar',
      '--sort=name',
      '--numeric-owner',
      '--owner=0',
      '--group=0',
      '--mtime=@0',
      '-cf',
      layer,
      '-C',
      root,
      '.',
    ])
    const layerDigest = await addBlob(layout, await readFile(layer))
    const layers = [layerDigest]
    const image = {
      architecture: 'amd64',
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }
    const kind = (name: string) => `application/vnd.oci.image.${name}`
    const manifest = {
      schemaVersion: 2,
      mediaType: kind('manifest.v1+json'),
      config: { mediaType: kind('config.v1+json'), ...(await addBlob(layout, JSON.stringify(image))) },
      layers: layers.map(blob => ({ mediaType: kind('layer.v1.tar'), ...blob })),
    }
    const annotations = { 'io.containerd.image.name': tag }
    const index = {
      schemaVersion: 2,
      mediaType: kind('index.v1+json'),
      manifests: [
        { mediaType: manifest.mediaType, ...(await addBlob(layout, JSON.stringify(manifest))), annotations },
      ],
    }
    await writeFile(join(layout, 'index.json'), JSON.stringify(index))
    await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
    await run(['tar', '--sort=name', '--mtime=@0', '-cf', join(into, 'image.tar'), '-C', layout, '.'])
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function addBlob(layout: string, content: string | Uint8Array) {
  const hex = createHash('sha256').update(content).digest('hex')
  await writeFile(join(layout, 'blobs/sha256', hex), content)
  return { digest: `sha256:${hex}`, size: Buffer.byteLength(content) }
}

/** Copies programs to where they are in the image, with their libraries. @param libraryPath where more of those are */
export async function addPrograms(
  root: string,
  programs: Readonly<Record<string, string>>,
  libraryPath = '',
): Promise<void> {
  for (const [target, source] of Object.entries(programs)) {
    await addFile(root, target, source)
    await addLibraries(root, source, libraryPath)
  }
}

/** Copies every library that a program names, the loader included, except those that come with it. */
export async function addLibraries(root: string, program: string, libraryPath = ''): Promise<void> {
  const named = await run(['ldd', program], { env: { LD_LIBRARY_PATH: libraryPath } }).catch(() => '')
  for (const [, path] of named.matchAll(/(\/\S+) \(0x/g)) {
    if (/^\/(lib|lib64|usr\/lib)\//.test(path!)) await addFile(root, path!, path!)
    // From the cache: to where the loader looks.
    else if (libraryPath && path!.startsWith(libraryPath))
      await addFile(root, join('/usr/lib/x86_64-linux-gnu', basename(path!)), path!)
  }
}

async function addFile(root: string, target: string, source: string): Promise<void> {
  const path = join(root, target)
  if (await stat(path).catch(() => undefined)) return
  await mkdir(join(path, '..'), { recursive: true })
  await copyFile(source, path)
}

/** The folders and accounts that programs expect to find. */
export async function addSystem(
  root: string,
  accounts: Readonly<Record<string, number>> = {},
): Promise<void> {
  for (const folder of ['etc', 'tmp', 'proc', 'sys', 'dev', 'run'])
    await mkdir(join(root, folder), { recursive: true })
  await run(['chmod', '1777', join(root, 'tmp')])
  const all = Object.entries({ root: 0, nonroot: 65532, ...accounts })
  await writeFile(
    join(root, 'etc/passwd'),
    all.map(([name, id]) => `${name}:x:${id}:${id}::/tmp:/bin/sh\n`).join(''),
  )
  await writeFile(join(root, 'etc/group'), all.map(([name, id]) => `${name}:x:${id}:\n`).join(''))
  await writeFile(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n')
  // glibc loads these by name, so ldd doesn't know of them.
  const libraries = '/lib/x86_64-linux-gnu'
  for (const name of ['libnss_dns.so.2', 'libnss_files.so.2']) {
    await addFile(root, join(libraries, name), join(libraries, name))
  }
}

/** Copies a whole folder, links as links. */
export async function addFolder(root: string, target: string, source: string): Promise<void> {
  await cp(source, join(root, target), { recursive: true, verbatimSymlinks: true })
}
