import { createHash } from 'node:crypto'
import type { ImageRecipe } from './dockerfile.ts'
import { type Blob, writeLayer } from './layer.ts'

/** A layer's tar, in a file. */
export interface Layer extends Blob {
  readonly file: string
}

export interface Image {
  readonly tag: string
  readonly recipe: ImageRecipe
  readonly layers: readonly Layer[]
}

const type = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
}

/** Go's names for the processors that Node knows. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/**
 * Writes an OCI image layout as a tar (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md).
 * @returns the manifest's digest
 */
export async function writeArchive(image: Image, path: string): Promise<string> {
  const config = json(configOf(image))
  const manifest = json({
    schemaVersion: 2,
    mediaType: type.manifest,
    config: { mediaType: type.config, ...blobOf(config) },
    layers: image.layers.map(({ digest, bytes }) => ({ mediaType: type.layer, digest, size: bytes })),
  })
  const index = json({
    schemaVersion: 2,
    mediaType: type.index,
    manifests: [
      {
        mediaType: type.manifest,
        ...blobOf(manifest),
        platform: platform(),
        annotations: {
          // containerd takes its name from the first, other tools from the second.
          'io.containerd.image.name': image.tag,
          'org.opencontainers.image.ref.name': image.tag.slice(image.tag.lastIndexOf(':') + 1),
        },
      },
    ],
  })
  await writeLayer(
    [
      { kind: 'text', path: 'oci-layout', text: json({ imageLayoutVersion: '1.0.0' }), mode: 0o644 },
      { kind: 'text', path: 'index.json', text: index, mode: 0o644 },
      ...[config, manifest].map(text => ({
        kind: 'text' as const,
        path: blobPath(blobOf(text).digest),
        text,
        mode: 0o644,
      })),
      ...image.layers.map(({ digest, file }) => ({
        kind: 'file' as const,
        path: blobPath(digest),
        from: file,
        mode: 0o644,
      })),
    ],
    path,
  )
  return blobOf(manifest).digest
}

function configOf({ recipe, layers }: Image) {
  return {
    created: new Date(0).toISOString(),
    ...platform(),
    config: {
      User: recipe.user,
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...recipe.env],
      Entrypoint: recipe.entrypoint,
      WorkingDir: recipe.workdir,
      Labels: recipe.labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  }
}

function platform() {
  const architecture = architectures[process.arch]
  if (architecture === undefined) throw new TypeError(`no image for ${process.arch}`)
  return { architecture, os: 'linux' }
}

function json(value: unknown): string {
  return JSON.stringify(value)
}

function blobOf(text: string): { digest: string; size: number } {
  const digest = createHash('sha256').update(text).digest('hex')
  return { digest: `sha256:${digest}`, size: Buffer.byteLength(text) }
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}
