import { makeKeys } from '@fairlead/console/app/simulator/keys'
import { providers } from '@fairlead/console/app/simulator/provider'
import { canBreak, demoOptions, demoUrl, freshBody, simulate } from '@fairlead/console/app/simulator/sign'
import { openScheme } from '@fairlead/webhook/open'
import { expect, test } from 'vitest'

const nowMs = Date.now()
const url = demoUrl('acme', 'demo')
const signing = providers.filter(({ signs }) => signs.kind !== 'not here')

test('the simulator signs for fewer providers than before', () => {
  expect(signing.length).toBeGreaterThanOrEqual(84)
})

test.each(signing.map(provider => [provider.name, provider] as const))(
  '%s: what the browser signs verifies, and what it breaks is refused',
  async (name, provider) => {
    const keys = await makeKeys(provider)
    const { scheme } = opened(provider, keys.secret)
    const verdictOf = async (broken: Parameters<typeof simulate>[1]['broken']) => {
      const body = freshBody(provider, nowMs)
      const { headers, body: sent } = await simulate(provider, { body, keys, url, nowMs, broken })
      const request = { method: 'POST', url, headers, body: Buffer.from(sent) }
      return scheme.verify(request, nowMs)
    }
    expect(await verdictOf('nothing')).toMatchObject({ kind: 'valid' })
    for (const broken of ['secret', 'byte', 'time'] as const) {
      if (!canBreak(provider, broken) || isUnbounded(provider, broken)) continue
      expect(await verdictOf(broken), `${name}: ${broken}`).toMatchObject({ kind: 'invalid' })
    }
  },
)

/** A few providers bound no age of their times: those of yesterday verify. */
const isUnbounded = ({ signs }: (typeof providers)[number], broken: string): boolean =>
  broken === 'time' && signs.kind === 'signature' && (signs.time as { past?: unknown })?.past === null

function opened(provider: (typeof providers)[number], secret: string | undefined) {
  const options = demoOptions(provider, url)
  return {
    scheme: openScheme({ provider: provider.name, secrets: secret === undefined ? [] : [secret], options }),
  }
}

test('two requests of the simulator are taken for one', async () => {
  for (const provider of signing) {
    const keys = await makeKeys(provider)
    const { scheme } = opened(provider, keys.secret)
    const identityOf = async () => {
      const body = freshBody(provider, nowMs)
      const sent = await simulate(provider, { body, keys, url, nowMs, broken: 'nothing' })
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
    const isById = isRenewed && first.repeats === 'id'
    if (isById) expect(first.deliveryId, provider.name).not.toBe(second.deliveryId)
  }
})
