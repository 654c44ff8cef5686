import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { packPackage } from './build.ts'

const dist = join(import.meta.dirname, 'dist')
mkdirSync(dist, { recursive: true })
console.log(packPackage(dist))
