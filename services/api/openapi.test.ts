import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { documentFile, documentText, openApiDocument } from './openapi.ts'
import { operations } from './operations.ts'

test('docs/openapi.json is what the schemas say (npm run generate -w @fairlead/api)', () => {
  expect(readFileSync(documentFile, 'utf8')).toBe(documentText())
})

test('every operation has a name of its own and says all it can answer', () => {
  const names = operations.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const paths = openApiDocument().paths ?? {}
  for (const { method, path, status } of operations) {
    const responses = Object.keys(paths[path]?.[method]?.responses ?? {})
    expect(responses).toEqual(
      expect.arrayContaining([String(status), '400', '401', '429', '500', '503', '504']),
    )
  }
})
