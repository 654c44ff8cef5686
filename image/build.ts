import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { baseEntries } from './base.ts'
import { nodePath, readContent, root } from './content.ts'
import { readDockerfile } from './dockerfile.ts'
import { type Entry, writeLayer } from './layer.ts'
import { type Layer, writeArchive } from './oci.ts'

export interface BuildOptions {
  /** The image's whole name, such as `localhost/fairlead:test`. */
  readonly tag: string
  /** The archive to write; folders above it are made. */
  readonly out: string
  /** More layers to lay over ours, in order. */
  readonly extraLayers?: readonly (readonly Entry[])[]
}

export interface BuiltImage {
  /** The archive: an OCI image layout in a tar, for `ctr images import`, `docker load`, `skopeo`. */
  readonly path: string
  /** The manifest's digest, `sha256:…`. */
  readonly digest: string
  /** Of all layers, as they are unpacked. */
  readonly bytes: number
}

/**
 * Makes the image that the Dockerfile describes, without a container engine and without the network, from this machine's
 * libraries and node_modules. The same checkout on the same machine gives the same bytes.
 * @throws TypeError where the Dockerfile, the lockfile or node_modules are not as they must be
 */
export async function buildImage({ tag, out, extraLayers = [] }: BuildOptions): Promise<BuiltImage> {
  const recipe = readDockerfile(await readFile(join(root, 'Dockerfile'), 'utf8'))
  const content = await readContent(recipe)
  const base = [...(await baseEntries(nodePath)), ...content.node]
  const path = resolve(out)
  await mkdir(dirname(path), { recursive: true })
  const scratch = await mkdtemp(join(dirname(path), '.fairlead-image-'))
  try {
    const layers: Layer[] = []
    for (const [index, entries] of [base, content.modules, content.sources, ...extraLayers].entries()) {
      const file = join(scratch, `layer-${index}`)
      layers.push({ ...(await writeLayer(entries, file)), file })
    }
    const archive = join(scratch, 'archive')
    const digest = await writeArchive({ tag, recipe, layers }, archive)
    await rename(archive, path)
    return { path, digest, bytes: layers.reduce((sum, { bytes }) => sum + bytes, 0) }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
