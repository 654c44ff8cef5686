import { expect, test } from 'vitest'
import { columns, present } from './schemas.ts'

const { subscription, payment } = columns

test('a row whose oldest events are left out doesn’t say why it is incomplete', () => {
  const fields = { complete: false, anomalies: { too_many_facts: 1 } }
  expect(present(subscription, fields)).toMatchObject({ complete: false, anomalies: { too_many_facts: 1 } })
  expect(present(subscription, { complete: true })).toMatchObject({ complete: true, anomalies: {} })
  // They are sums of several objects, which have them.
  expect(present(payment, { complete: false })).not.toHaveProperty('anomalies')
})
