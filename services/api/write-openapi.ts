import { writeFileSync } from 'node:fs'
import { documentFile, documentText } from './openapi.ts'
import { postmanFile, postmanText } from './reference/postman.ts'
import { problemsFile, problemsMarkdown } from './reference/problem-page.ts'

/** Writes docs/openapi.json, docs/problems.md and docs/postman.json again: `npm run generate -w @fairlead/api`. */
writeFileSync(documentFile, documentText())
writeFileSync(problemsFile, problemsMarkdown())
writeFileSync(postmanFile, postmanText())
