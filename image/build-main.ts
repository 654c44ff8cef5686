import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildImage } from './build.ts'

// The command `node image/build-main.ts [--tag NAME] [--out FILE]`.
const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: 'localhost/fairlead:dev' },
    out: { type: 'string', default: join(import.meta.dirname, 'dist/fairlead.tar') },
  },
})
const startedMs = performance.now()
const { path, digest, bytes } = await buildImage(values)
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
console.log(`${values.tag} ${digest}\n${path}, ${Math.round(bytes / 1e6)} MB, ${seconds} s`)
