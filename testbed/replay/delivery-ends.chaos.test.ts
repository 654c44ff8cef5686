import { test } from 'vitest'
import { endDeliveries } from './delivery-ends.ts'

/** FAIRLEAD_ENDS_SEED makes a run again; default: ten new ones. */
const given = process.env.FAIRLEAD_ENDS_SEED
const seeds = given ? [Number(given)] : Array.from({ length: 10 }, () => Math.floor(Math.random() * 1e9))

test.each(seeds)('a delivery ends twice or never (seed %i)', { timeout: 180_000 }, endDeliveries)
