import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('five seconds of coverage-guided fuzzing find no throw and nothing slow', () => {
  const path = new URL('guided.ts', import.meta.url).pathname
  // A process of its own: the coverage of vitest's transformed modules would be another.
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, '5', '1'], { encoding: 'utf8' })
  expect(stdout + stderr).toMatch(/^seed 1: \d+ requests, [1-9]\d* kept, [1-9]\d* blocks reached\n$/)
  expect(status).toBe(0)
})
