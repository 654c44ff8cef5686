import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError, readConfig } from './config.ts'

const schema = z.object({
  FAIRLEAD_PORT: z.coerce.number().int().min(0).max(65535).default(8080).describe('where to listen'),
  FAIRLEAD_URL: z.url().describe('whom to ask'),
  FAIRLEAD_SECRET: z.string().min(8).optional(),
})

const faultsOf = (env: Record<string, string>): string[] => {
  try {
    readConfig(schema, env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(({ key, fault }) => `${key}: ${fault}`)
  }
}

test('variables that are set are converted, others get their default', () => {
  expect(readConfig(schema, { FAIRLEAD_URL: 'http://a.example', FAIRLEAD_PORT: '99' })).toEqual({
    FAIRLEAD_PORT: 99,
    FAIRLEAD_URL: 'http://a.example',
  })
  expect(readConfig(schema, { FAIRLEAD_URL: 'http://a.example' }).FAIRLEAD_PORT).toBe(8080)
})

test('an empty variable is an absent one', () => {
  expect(readConfig(schema, { FAIRLEAD_URL: 'http://a.example', FAIRLEAD_PORT: '' }).FAIRLEAD_PORT).toBe(8080)
  expect(faultsOf({ FAIRLEAD_URL: '' })).toEqual(['FAIRLEAD_URL: is missing'])
})

test('all faults are reported at once, with the description of each key, and never the value', () => {
  const env = { FAIRLEAD_PORT: 'eighty', FAIRLEAD_SECRET: 'hunter2' }
  expect(faultsOf(env)).toHaveLength(3)
  expect(() => readConfig(schema, env)).toThrow(
    /3 faults:.*FAIRLEAD_PORT.*where to listen.*FAIRLEAD_URL: is missing/s,
  )
  expect(() => readConfig(schema, env)).not.toThrow(/hunter2/)
})

test('a secret comes from a file, without its last line break', async () => {
  await using folder = await scratchFolder()
  const file = join(folder.path, 'secret')
  await writeFile(file, 'correct horse\n')
  const env = { FAIRLEAD_URL: 'http://a.example', FAIRLEAD_SECRET_FILE: file }
  expect(readConfig(schema, env).FAIRLEAD_SECRET).toBe('correct horse')
  expect(faultsOf({ ...env, FAIRLEAD_SECRET: 'another one' })).toEqual([
    'FAIRLEAD_SECRET: FAIRLEAD_SECRET_FILE is set too: only one of them may be',
  ])
  expect(faultsOf({ ...env, FAIRLEAD_SECRET_FILE: `${file}.gone` })).toEqual([
    `FAIRLEAD_SECRET_FILE: ${file}.gone can't be read: ENOENT`,
  ])
})

test('the result is frozen', () => {
  expect(Object.isFrozen(readConfig(schema, { FAIRLEAD_URL: 'http://a.example' }))).toBe(true)
})
