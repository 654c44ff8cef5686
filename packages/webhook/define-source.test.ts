import { expect, test } from 'vitest'
import { defineSource, providerNames } from './define-source.ts'
import { openScheme } from './open.ts'
import { allProviders } from './providers/table.ts'

test('the names are those of the table', () => {
  expect([...providerNames]).toEqual(allProviders().map(row => row.name))
})

test('a source is what its provider needs, and the compiler says so', () => {
  expect(defineSource({ provider: 'stripe', secrets: ['whsec_x'] })).toEqual({
    provider: 'stripe',
    secrets: ['whsec_x'],
  })
  expect(openScheme(defineSource({ provider: 'paypal', options: { webhookId: 'x' } })).provider).toBe(
    'paypal',
  )
  // @ts-expect-error no such provider
  defineSource({ provider: 'strpie', secrets: [] })
  // @ts-expect-error Stripe has no options
  defineSource({ provider: 'stripe', secrets: [], options: { webhookId: 'x' } })
  // @ts-expect-error PayPal's webhookId is required
  defineSource({ provider: 'paypal' })
  // @ts-expect-error and needs no secret
  defineSource({ provider: 'paypal', secrets: ['x'], options: { webhookId: 'x' } })
  // @ts-expect-error a misspelt option
  defineSource({ provider: 'livekit', secrets: ['x'], options: { apikey: 'x' } })
})
