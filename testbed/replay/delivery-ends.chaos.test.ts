import { test } from 'vitest'
import { meetFates } from './fates.ts'

/** FAIRLEAD_FATES_SEED makes a run again; default: ten new ones. */
const given = process.env.FAIRLEAD_FATES_SEED
const seeds = given ? [Number(given)] : Array.from({ length: 10 }, () => Math.floor(Math.random() * 1e9))

test.each(seeds)('each delivery has one fate (seed %i)', { timeout: 180_000 }, meetFates)
