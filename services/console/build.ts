import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build } from 'vite'

/**
 * Builds the console into an empty folder: `index.html`, `assets/*` whose names have a digest of their content, and beside
 * each text a `.br` and a `.gz`, so that nobody compresses while a page loads.
 */
export async function buildConsole(out: string): Promise<void> {
  // Vite takes over what is set: under a test runner React would be its slower self that checks everything.
  process.env.NODE_ENV = 'production'
  await build({
    configFile: join(import.meta.dirname, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: resolve(out), emptyOutDir: true },
  })
  const files = await readdir(out, { recursive: true })
  await Promise.all(files.filter(file => compressible.test(file)).map(file => compress(join(out, file))))
}

const compressible = /\.(?:js|css|html|svg)$/

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file)
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, quality))
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }))
}

if (import.meta.main) {
  const out = process.argv[2]
  if (!out) throw new TypeError('say which folder to build into')
  await buildConsole(out)
}
