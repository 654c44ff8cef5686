import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { withoutServers } from './modules-of.ts'

/** Start processes or generators, or try thousands of inputs: seconds each, and no server. */
const slow = [
  'packages/webhook/fuzz/',
  'packages/webhook/sdk/',
  'packages/webhook/independent/',
  'packages/wire/generate.test.ts',
  'packages/client/client.test.ts',
  'packages/daemon/run.test.ts',
  'standalone/fill-cache.test.ts',
  'testbed/billing/stripe-schemas.test.ts',
  'image/',
]

/** Test files that start no server and can share a process, from the root. */
export function quickTests(): string[] {
  const files = globSync('**/*.test.ts', {
    cwd: resolve(import.meta.dirname, '..'),
    exclude: ['**/node_modules/**', '**/*.chaos.test.ts'],
  })
  return withoutServers(files.filter(file => !slow.some(start => file.startsWith(start))))
}
