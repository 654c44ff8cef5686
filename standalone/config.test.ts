import { apiConfig } from '@fairlead/api/config'
import { ConfigError, readConfig } from '@fairlead/daemon/config'
import { expect, test } from 'vitest'
import { standaloneConfig } from './config.ts'

const faultOf = (read: () => unknown): string => {
  try {
    read()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

test.each([
  [
    'the API',
    (env: NodeJS.ProcessEnv) => readConfig(apiConfig, { ...env, FAIRLEAD_STORE_URL: 'http://store.example' }),
  ],
  ['npm start', (env: NodeJS.ProcessEnv) => readConfig(standaloneConfig, env)],
])(
  'Stripe Connect with a client id and no secret key is not off in silence: %s says what to set',
  (_name, read) => {
    const env = { FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: 'ca_test' }
    expect(faultOf(() => read(env))).toMatch(
      /FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: is missing, though FAIRLEAD_STRIPE_CONNECT_CLIENT_ID is set/,
    )
    expect(faultOf(() => read({ ...env, FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: 'sk_test_only' }))).toBe('')
    expect(faultOf(() => read({}))).toBe('')
  },
)

test('an OpenID Connect provider without a client secret does not fail for whoever signs in: the start says so', () => {
  const env = { FAIRLEAD_STORE_URL: 'http://store.example', FAIRLEAD_OIDC_ISSUER: 'https://login.example' }
  expect(faultOf(() => readConfig(apiConfig, env))).toMatch(/FAIRLEAD_OIDC_CLIENT_SECRET: is missing/)
  expect(faultOf(() => readConfig(apiConfig, { ...env, FAIRLEAD_OIDC_CLIENT_SECRET: 'test-only' }))).toBe('')
})
