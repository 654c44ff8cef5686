import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkVectors } from './check-vectors.ts'

const read = (name: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))

describe.each(['provider-vectors.json', 'handshakes.json'])('%s', name => {
  test.each(read(name).map(entry => [String(entry.id), entry] as const))('%s', async (_id, entry) => {
    const [result] = await checkVectors([entry])
    expect(result).toMatchObject({ passed: true })
    // The reason must be of the same kind too, wherever ours is no matter of policy.
    if (entry.policy_dependent !== true) expect(result).not.toHaveProperty('note')
  })
})
