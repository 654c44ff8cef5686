import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')

test.each([
  ['charts/fairlead/templates/redis-deployment.yaml', /--maxmemory, (\w+), --maxmemory-policy, ([\w-]+)/],
  ['compose.yaml', /--maxmemory, (\w+), --maxmemory-policy, ([\w-]+)/],
  ['servers/redis.ts', /maxmemory: '(\w+)', 'maxmemory-policy': '([\w-]+)'/],
])('the Redis of %s drops sessions of people, or has another memory than the others', (path, pattern) => {
  expect(pattern.exec(read(path))?.slice(1)).toEqual(['192mb', 'noeviction'])
})
