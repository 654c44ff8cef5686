import { beforeAll, describe, expect, test } from 'vitest'
import { seeded } from '../seeded.ts'
import { stripeLife } from './stripe-life.ts'
import { readStripeSchemas, type StripeSchemas } from './stripe-schemas.ts'
import { renderStripe } from './stripe-versions.ts'
import type { Json } from './stripe-world.ts'

const lives = Array.from({ length: 20 }, (_, index) =>
  stripeLife(seeded(index + 1), `v${index}x`, { months: 6, squeezed: index % 4 === 0 }),
)

describe.each(['2022-11-15', '2026-08-26.dahlia'] as const)('version %s of the API', version => {
  let schemas: StripeSchemas | undefined

  beforeAll(async () => {
    schemas = await readStripeSchemas(version)
  }, 300_000)

  test("every generated event and object is as Stripe's own document has it", context => {
    if (!schemas) return context.skip("Stripe's document can not be read: Go or its module proxy is missing")
    const faults = new Map<string, string>()
    const kinds = new Set<string>()
    for (const { happenings } of lives) {
      for (const happening of happenings) {
        const event = renderStripe(happening, { version, live: true })
        if (!event) continue
        const { object } = event.data as { object: Json }
        const kind = String(object.object)
        kinds.add(kind)
        for (const [schema, value] of [
          ['event', event],
          [kind, object],
        ] as const)
          for (const fault of schemas.faultsOf(schema, value))
            faults.set(`${schema}: ${fault.replaceAll(/\d+/g, 'n')}`, happening.id)
      }
    }
    expect([...faults.keys()]).toEqual([])
    expect(kinds.size).toBe(version === '2022-11-15' ? 13 : 14)
  })
})
