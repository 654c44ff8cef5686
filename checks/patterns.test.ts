import { expect, test } from 'vitest'
import { patternFaults } from './patterns.ts'

const faults = (text: string) => patternFaults({ path: 'cli/a.ts', text })

test.each([
  ['a JSON pointer whose slashes match twice', String.raw`const p = /^(\/[^\s]*)+$/`, 'double'],
  ['nested repeats', 'const p = /^(a+)+$/', 'double'],
  ['two repeats of one character', String.raw`const p = /^\s*\w*\s*\w*!$/.test(text)`, 'square'],
  ['a repeat before an end', 'text.replace(/=+$/, "")', 'square'],
  ['a pattern out of a text', 'new RegExp("^(?:a+b?)+$", "i")', 'double'],
  ['a pattern that is put together', 'new RegExp(text)', 'literal'],
])('%s is a fault', (_title, text, part) => {
  expect(faults(`const before = 1\n${text}\n`)).toEqual([expect.stringMatching(`^cli/a.ts:2 .*${part}`)])
})

test.each([
  ['a JSON pointer', String.raw`const p = /^(\/[^\s/]*)+$/`],
  ['a repeat that begins where none stands before', 'text.replace(/(?<!=)=+$/, "")'],
  ['text that looks like a pattern', 'const text = "/^(a+)+$/"'],
])('%s is none', (_title, text) => {
  expect(faults(text)).toEqual([])
})
