import { expect, test } from 'vitest'
import { runSchemathesis } from './fixtures/schemathesis-run.ts'

/** FAIRLEAD_FUZZ_SEED makes the same requests again. */
const seed = Number(process.env.FAIRLEAD_FUZZ_SEED ?? Date.now() % 1_000_000)

/** The longer form is schemathesis.chaos.test.ts. */
test('the API answers as its document says, whatever it is asked (schemathesis)', {
  timeout: 240_000,
}, async () => {
  const { code, output } = await runSchemathesis(15, seed)
  expect(code, `seed ${seed}\n${output}`).toBe(0)
})
