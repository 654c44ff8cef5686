import { expect, test, vi } from 'vitest'
import type { ApiClient } from '../api-client.ts'
import { runCommand } from '../run-command.ts'
import { openTerminal } from '../terminal.ts'
import { showFigures } from './analytics.ts'
import { moneyText, shareText } from './money-text.ts'
import { showQuarantine } from './repair.ts'
import { showRows } from './rows.ts'

test.each([
  [1999, 'USD', 2, '19.99 USD'],
  [5, 'USD', 2, '0.05 USD'],
  [-5, 'EUR', 2, '-0.05 EUR'],
  [1999, 'JPY', 0, '1999 JPY'],
  [12, 'BHD', 3, '0.012 BHD'],
  [9_007_199_254_740_991, 'USD', 2, '90071992547409.91 USD'],
])('%d %s with %d decimals is shown exactly', (amount, currency, exponent, shown) => {
  expect(moneyText({ amount, currency, exponent })).toBe(shown)
})

test('what is not known is no 0', () => {
  expect([moneyText(null), shareText(null), shareText('0.041667'), shareText('-0.058824')]).toEqual([
    '–',
    '–',
    '4.2 %',
    '-5.9 %',
  ])
})

test.each([
  ['no noun', [], /plans, customers/],
  ['a noun that is not there', ['plan'], /plan is none of plans/],
  ['access of nobody', ['access'], /Which customer/],
  ['no figures', ['analytics'], /days, churn/],
  ['facts of no row', ['plans', '--facts'], /which row/],
  ['a verb of the quarantine that is not there', ['quarantine', 'empty'], /retry, not empty/],
  [
    'a reason that is none',
    ['quarantine', 'retry', '--reason', 'whim'],
    /--reason takes not_json, .*unknown_type/,
  ],
  ['an argument too many', ['rebuild', 'all'], /too many: all/],
  ['a time that is none', ['invoices', '--after', 'yesterday'], /--after takes/],
  ['too large a page', ['invoices', '--limit', '501'], /1 to 500/],
])('%s: says what to do, before anything is asked', async (_name, args, sentence) => {
  const lines: string[] = []
  const keep = vi.spyOn(console, 'error').mockImplementation(text => void lines.push(String(text)))
  try {
    expect(await runCommand(['billing', ...args])).toBe(2)
    expect(lines.join('\n')).toMatch(sentence)
  } finally {
    keep.mockRestore()
  }
})

/** What a command notes beside a page that is the API's only answer. */
async function notesOf(next: string | null, json: boolean, list: (typeof lists)[number][1]): Promise<string> {
  const notes: string[] = []
  const api = { ask: async () => ({ items: [], next }) } as unknown as ApiClient
  const terminal = { ...openTerminal(), print: () => {}, note: (text: string) => void notes.push(text) }
  expect(await list(api, { slug: 'acme', json }, terminal)).toBe(0)
  return notes.join('\n')
}

type Asked = { readonly slug: string; readonly json: boolean }
type Terminal = ReturnType<typeof openTerminal>
const lists = [
  [
    'rows',
    (api: ApiClient, asked: Asked, terminal: Terminal) =>
      showRows(
        api,
        { ...asked, name: 'plans', id: undefined, facts: false, query: { limit: 1 }, which: {} },
        terminal,
      ),
  ],
  [
    'restatements',
    (api: ApiClient, asked: Asked, terminal: Terminal) =>
      showFigures(api, { ...asked, name: 'restatements', query: { limit: 1 } }, terminal),
  ],
  [
    'quarantined events',
    (api: ApiClient, asked: Asked, terminal: Terminal) =>
      showQuarantine(api, { ...asked, limit: 1 }, terminal),
  ],
] as const

test.each(lists)('the first page of %s is taken for all of them', async (_name, list) => {
  expect(await notesOf('cursor', false, list)).toMatch(/There are more: .*--limit/)
  expect(await notesOf(null, false, list)).not.toMatch(/more/)
  expect(await notesOf('cursor', true, list)).toBe('')
})
