import { expect, test } from 'vitest'
import { changesOf, wordsOf } from './steps.ts'

test('a change of state is told as JSON, or with the attributes that stayed', () => {
  const from = { status: 'active', quantity: 1, cancelAtPeriodEnd: false, periodEndAt: 0, items: [{}] }
  const to = { status: 'past_due', quantity: 1, cancelAtPeriodEnd: true, periodEndAt: null, items: [{}, {}] }
  const changes = ['cancelAtPeriodEnd', 'items', 'periodEndAt', 'status']
  expect(changesOf({ changes, from, to })).toEqual([
    { name: 'cancel at period end', before: 'no', after: 'yes', isTime: false },
    { name: 'items', before: '1 entry', after: '2 entries', isTime: false },
    { name: 'period end at', before: '1970-01-01T00:00:00.000Z', after: '', isTime: true },
    { name: 'status', before: 'active', after: 'past due', isTime: false },
  ])
})

test('the first change lists every attribute as new', () => {
  const to = { status: 'active', currency: 'EUR' }
  expect(changesOf({ changes: ['currency', 'status'], from: null, to })).toEqual([
    { name: 'status', before: 'none', after: 'active', isTime: false },
  ])
})

test('an attribute that no version of the console knows breaks the page', () => {
  expect(changesOf({ changes: ['newThing'], from: 'odd', to: { newThing: { a: 1 } } })).toEqual([
    { name: 'new thing', before: 'none', after: 'set', isTime: false },
  ])
  expect(wordsOf('status')).toBe('status')
})
