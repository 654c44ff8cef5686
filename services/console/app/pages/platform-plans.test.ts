import { expect, test } from 'vitest'
import { plansIn, plansText } from './platform-plans.ts'

const one = { slug: 'acme', id: `rty_${'0'.repeat(26)}` }
const other = { slug: 'globex-2', id: `rty_${'1'.repeat(26)}` }

test('a bulk retry of several organizations is lost with a reload', () => {
  expect(plansIn(plansText([one, other]))).toEqual([one, other])
})

test('an address that was cut or mistyped leads to another organization’s path', () => {
  expect(plansIn(undefined)).toEqual([])
  expect(plansIn(`acme:rty_1,../x:${one.id},${plansText([one])},`)).toEqual([one])
})
