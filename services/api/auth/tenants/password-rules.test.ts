import { beforeAll, describe, expect, test } from 'vitest'
import { loadCommonPasswords } from './common-passwords.ts'
import { passwordFault } from './password-rules.ts'

let common: ReadonlySet<string>
beforeAll(async () => {
  common = await loadCommonPasswords()
})

const about = ['ada.lovelace@analytical.example', 'analytical-engines']
const fault = (password: string) => passwordFault(password, about, common)

test('the list that ships has the passwords of breaches', () => {
  expect(common.size).toBeGreaterThan(40_000)
  for (const known of ['123456', 'password', 'qwertyuiop', 'iloveyou', 'trustno1'])
    expect(common.has(known)).toBe(true)
})

describe.each([
  ['eleven chars', 'k7!mq2zx9#p'],
  ['a list entry of twelve and more', 'qwerty123456'],
  ['the same in capitals', 'QWERTY123456'],
  ['a common word, a year and signs', 'Password2026!'],
  ['a common word after digits', '2026password!'],
  ['letters that look like others', 'P4$$w0rd2026'],
  ['a beginning that looks like a letter', '5unshine2026'],
  ['a common word twice', 'passwordpassword'],
  ['one character', 'aaaaaaaaaaaaaaaa'],
  ['two characters in turn', 'abababababab'],
  ['an alphabet', 'abcdefghijklmnop'],
  ['digits in order', '012345678901234'],
  ['blocks of digits', '111222333444'],
  ['the own address', 'ada.lovelace@analytical'],
  ['the own name and a number', 'lovelace-2026'],
  ['the own organization', 'analytical-engines1'],
  ['a line break', 'five otters\nin a canoe'],
  ['half a character', 'five otters in a canoe \ud800'],
  ['more than 256 characters', 'five otters in a canoe '.repeat(12)],
])('%s', (_what, password) => {
  test('is refused', () => {
    expect(fault(password)).toEqual(expect.any(String))
  })
})

test.each([
  'five-otters-in-a-canoe',
  'correct horse battery staple',
  'k7!mq2zx9#pv',
  'дванадцять видр',
  '六羽の鶴が朝の湖を静かに渡る',
  'passwordless otters swim north',
  'ada and fourteen yellow kites',
])('%s is taken', password => {
  expect(fault(password)).toBeUndefined()
})

test('a password typed on another keyboard is the same password', () => {
  const long = `${'e\u0301'.repeat(6)} otters`
  expect(fault(long)).toBe(fault(long.normalize('NFC')))
})

test('hostile texts of the greatest length are judged at once', () => {
  const start = process.cpuUsage()
  for (const text of ['1'.repeat(256), 'a1'.repeat(128), `${'!'.repeat(255)}a`, `${'ab'.repeat(127)}c`])
    fault(text)
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(1_000)
})
