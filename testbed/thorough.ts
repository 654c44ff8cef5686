/** Whether this is `npm run test:chaos`: tests that try a part of their cases in `npm test`, from a printed seed, try all of them. */
export const isThorough = process.env.FAIRLEAD_TEST_CASES === 'all'

/** Tests that do, from the root. */
export const thoroughTests: readonly string[] = [
  'services/api/auth/tenants/tenants.test.ts',
  'services/api/every-write.test.ts',
  'services/receiver/seen/seen.test.ts',
  'services/store/project/project.test.ts',
  'services/store/replay/select.test.ts',
]
