import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileGlob, compileRoutes } from './match.ts'

test.each([
  ['itself', 'invoice.paid', 'invoice.paid', true],
  ['another', 'invoice.paid', 'invoice.paid2', false],
  ['anything', '*', '', true],
  ['a suffix', 'invoice.*', 'invoice.paid', true],
  ['an empty suffix', 'invoice.*', 'invoice.', true],
  ['not the bare word', 'invoice.*', 'invoice', false],
  ['a middle', 'a*c', 'abbbc', true],
  ['no overlap of head and tail', 'ab*ba', 'aba', false],
  ['two stars', '*.payment.*', 'eu.payment.done', true],
  ['parts in order only', '*b*a*', 'ab', false],
  ['a middle part must end before the tail', 'a*bc*c', 'abc', false],
  ['regular expression signs are plain', 'a.c', 'abc', false],
])('a glob: %s', (_name, glob, text, matches) => {
  expect(compileGlob(glob)(text)).toBe(matches)
})

test('a glob agrees with the regular expression of the same meaning', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
  fc.assert(
    fc.property(letters, text, (glob, subject) => {
      const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(subject)
      expect(compileGlob(glob)(subject)).toBe(expected)
    }),
    { numRuns: 2000 },
  )
})

test('each destination once, in the order of the routes', () => {
  const compiled = compileRoutes([
    { source: 'stripe', eventTypes: ['invoice.*'], destinations: ['billing', 'audit'] },
    { source: '*', eventTypes: ['*'], destinations: ['audit', 'archive'] },
    { source: 'github', eventTypes: ['push'], destinations: ['ci'] },
  ])
  const match = (source: string, type: string) => compiled(source, type).map(({ destination }) => destination)
  expect(match('stripe', 'invoice.paid')).toEqual(['billing', 'audit', 'archive'])
  expect(match('stripe', 'customer.created')).toEqual(['audit', 'archive'])
  expect(match('github', 'push')).toEqual(['audit', 'archive', 'ci'])
})

test('a route that wants only the second thing of a request is not left out, and gets the request once', () => {
  const compiled = compileRoutes([
    { source: '*', eventTypes: ['contact.*'], destinations: ['crm', 'audit'] },
    { source: '*', eventTypes: ['deal.deletion'], destinations: ['sales', 'audit'] },
    { source: '*', eventTypes: ['company.*'], destinations: ['none'] },
  ])
  const match = (types: string[]) =>
    compiled('hubspot', types[0]!, types.length > 1 ? types : undefined).map(({ destination }) => destination)
  expect(match(['contact.creation', 'deal.deletion'])).toEqual(['crm', 'audit', 'sales'])
  expect(match(['deal.creation', 'deal.deletion'])).toEqual(['sales', 'audit'])
  expect(match(['deal.creation'])).toEqual([])
  // A type that holds a line break is not two types.
  expect(match(['contact.creation\ndeal.deletion'])).toEqual(['crm', 'audit'])
})

test('types without end do not fill the memory', () => {
  const match = compileRoutes([{ source: '*', eventTypes: ['a*'], destinations: ['all'] }])
  for (let i = 0; i < 5000; i++) expect(match('s', `a${i}`)).toHaveLength(1)
  expect(match('s', 'b')).toEqual([])
})

test('answers for large batches are remembered by the thousand, with all their types', () => {
  const match = compileRoutes([{ source: '*', eventTypes: ['*'], destinations: ['a'] }])
  const types = (length: number) => Array.from({ length }, (_, i) => `${i}`.padEnd(200, 'x'))
  expect(match('s', 'a', types(2))).toBe(match('s', 'a', types(2)))
  expect(match('s', 'a', types(32))).not.toBe(match('s', 'a', types(32)))
})
