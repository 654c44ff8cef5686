import { providers } from '@fairlead/console/app/simulator/provider'
import { freshBody, makeSecret, simulate } from '@fairlead/console/app/simulator/sign'
import { openScheme } from '@fairlead/webhook/open'
import { expect, test } from 'vitest'

const nowMs = Date.now()
const signing = providers.filter(({ signs }) => signs.kind !== 'not here')

test('the simulator signs for fewer providers than before', () => {
  expect(signing.length).toBeGreaterThanOrEqual(60)
})

test.each(signing.map(provider => [provider.name, provider] as const))(
  '%s: what the browser signs verifies, and what it breaks is refused',
  async (name, provider) => {
    const secret = makeSecret(provider)
    const scheme = openScheme({ provider: name, secrets: [secret] })
    const verdictOf = async (broken: Parameters<typeof simulate>[1]['broken']) => {
      const body = freshBody(provider, nowMs)
      const { headers, body: sent } = await simulate(provider, { body, secret, nowMs, broken })
      const request = { method: 'POST', url: '/webhooks/acme/demo', headers, body: Buffer.from(sent) }
      return scheme.verify(request, nowMs)
    }
    expect(await verdictOf('nothing')).toMatchObject({ kind: 'valid' })
    expect(await verdictOf('secret')).toMatchObject({ kind: 'invalid' })
    const { signs } = provider
    if (signs.kind === 'hmac') expect(await verdictOf('byte')).toMatchObject({ kind: 'invalid' })
  },
)

test('two requests of the simulator are taken for one', async () => {
  for (const provider of signing) {
    const scheme = openScheme({ provider: provider.name, secrets: [makeSecret(provider)] })
    const identityOf = async () => {
      const body = freshBody(provider, nowMs)
      const sent = await simulate(provider, { body, secret: 'a'.repeat(44), nowMs, broken: 'nothing' }).catch(
        () => undefined,
      )
      if (!sent) return undefined
      return scheme.identify({
        method: 'POST',
        url: '/',
        headers: sent.headers,
        body: Buffer.from(sent.body),
      })
    }
    const [first, second] = [await identityOf(), await identityOf()]
    // Supabase's id is a member within a member, which its sample doesn't renew.
    const isRenewed = provider.idHeaders.length > 0 && provider.name !== 'supabase-auth-hooks'
    const isById = isRenewed && first?.repeats === 'id'
    if (isById) expect(first?.deliveryId, provider.name).not.toBe(second?.deliveryId)
  }
})
