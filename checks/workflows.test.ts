import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findActionlint } from '@fairlead/testbed/actionlint'
import { beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const workflows = globSync('.github/workflows/*.yaml', { cwd: root })
let actionlint: string

beforeAll(async () => {
  actionlint = await findActionlint()
}, 300_000)

test('the workflows of the forge have no fault that actionlint knows', async () => {
  const files = workflows.map(file => join(root, file))
  const { stdout } = await promisify(execFile)(actionlint, ['-no-color', ...files]).catch(error => error)
  expect(stdout).toBe('')
})

test('a workflow runs a script or file that is not there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const file of workflows) {
    const text = readFileSync(join(root, file), 'utf8')
    for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)(?! --workspace|[\w:]* --workspace)/g))
      expect(Object.keys(scripts), file).toContain(name)
    for (const [, path = ''] of text.matchAll(/(?:node|bash) ((?:[\w.-]+\/)[\w./-]+)/g))
      expect(globSync(path, { cwd: root }), `${file}: ${path}`).toHaveLength(1)
  }
})

test('the chart names an image that no workflow publishes', () => {
  const values = readFileSync(join(root, 'charts/fairlead/values.yaml'), 'utf8')
  const repository = /repository: (\S+)/.exec(values)?.[1]
  expect(readFileSync(join(root, '.github/workflows/release.yaml'), 'utf8')).toContain(`${repository}:`)
})
