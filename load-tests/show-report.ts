import { readFile } from 'node:fs/promises'
import { htmlOf, type Report } from './report.ts'

/** Prints the page of a report that a Job has logged: `node load-tests/show-report.ts report.json > report.html`. */
const text = await readFile(process.argv[2] ?? '/dev/stdin', 'utf8')
process.stdout.write(htmlOf(JSON.parse(text.trim().split('\n').at(-1) ?? '') as Report))
