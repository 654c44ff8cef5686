import { writeFileSync } from 'node:fs'
import { documentFile, documentText } from './openapi.ts'

/** Writes docs/openapi.json again: `npm run generate -w @fairlead/api`. */
writeFileSync(documentFile, documentText())
