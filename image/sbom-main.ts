import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeSbom } from './sbom.ts'

// The command `node image/sbom-main.ts [FILE]`: writes the image's bill of materials, to standard output by default.
writeFileSync(process.argv[2] ?? process.stdout.fd, writeSbom(join(import.meta.dirname, '..')))
