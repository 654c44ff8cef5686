import { expect, test } from 'vitest'
import { longFunctions } from './function-length.ts'

const lines = (count: number): string => 'work()\n'.repeat(count)
const found = (text: string, path = 'a.ts') =>
  longFunctions([{ path, text }]).map(({ name, lines }) => [name, lines])

test.each([
  ['a declaration', `export async function long() {\n${lines(60)}}`, 'long'],
  ['a function in a constant', `const long = () => {\n${lines(60)}}`, 'long'],
  ['a method of a class', `class A {\nlong() {\n${lines(60)}}\n}`, 'long'],
  ['a private method', `class A {\n#long() {\n${lines(60)}}\n}`, 'long'],
  ['a method of an object', `const a = {\nlong() {\n${lines(60)}},\n}`, 'long'],
  ['a default export without a name', `export default function () {\n${lines(60)}}`, 'default'],
  ['one whose callback is long', `function long() {\n each(() => {\n${lines(58)}})\n}`, 'long'],
])('%s of more than a screen is found', (_title, text, name) => {
  expect(found(text)).toEqual([[name, 62]])
})

test('named functions within a function are not counted to it, and are found themselves', () => {
  const inner = `function inner() {\n${lines(60)}}\n`
  expect(found(`function outer() {\n${lines(40)}${inner}const kept = () => {\n${lines(40)}}\n}`)).toEqual([
    ['inner', 62],
  ])
})

test.each([
  ['a function of 60 lines', `function short() {\n${lines(58)}}`, 'a.ts'],
  ['a test', `function long() {\n${lines(90)}}`, 'a.test.ts'],
  ['a component of 95 lines', `function Long() {\n${lines(93)}}`, 'a.tsx'],
])('%s is let through', (_title, text, path) => {
  expect(found(text, path)).toEqual([])
})

test('a component of more than 95 lines is found', () => {
  expect(found(`function Long() {\n${lines(94)}}`, 'a.tsx')).toEqual([['Long', 96]])
})
