import { expect, test } from 'vitest'
import { others, parts, propertiesOf } from './configuration-page.ts'
import { envExample, writtenExample } from './env-example.ts'

test('.env.example is what the schemas say (node checks/env-example.ts --write makes it again)', () => {
  expect(writtenExample()).toBe(envExample())
})

test('every setting of every process, of compose.yaml and of the command line stands in it once', () => {
  const keys = [...envExample().matchAll(/^# ([A-Z][A-Z0-9_]+)=/gm)].map(([, key]) => key)
  const expected = new Set([
    ...parts.flatMap(([, , schema]) => Object.keys(propertiesOf(schema).properties)),
    ...others.flatMap(([, , rows]) => rows.map(([key]) => key)),
  ])
  expect(keys.toSorted()).toEqual([...expected].toSorted())
})

test('a copy of it changes nothing: each line is a comment, and none holds a secret', () => {
  const lines = envExample().split('\n')
  expect(lines.filter(line => line !== '' && !line.startsWith('#'))).toEqual([])
  const secret = /^# \w*(PASSWORD|TOKEN|SECRET|KEYS?)=.+$/
  expect(lines.filter(line => secret.test(line))).toEqual([])
})
