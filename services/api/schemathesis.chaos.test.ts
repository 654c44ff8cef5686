import { expect, test } from 'vitest'
import { runSchemathesis } from './fixtures/schemathesis-run.ts'

/** FAIRLEAD_FUZZ_SEED makes the same requests again; FAIRLEAD_CHAOS_SECONDS says for how long, default 90. */
const seed = Number(process.env.FAIRLEAD_FUZZ_SEED ?? Date.now() % 1_000_000)
const seconds = Number(process.env.FAIRLEAD_CHAOS_SECONDS ?? 90)

test('for minutes the API answers as its document says, whatever it is asked (schemathesis)', async () => {
  const { code, output } = await runSchemathesis(seconds, seed)
  expect(code, `seed ${seed}\n${output}`).toBe(0)
})
