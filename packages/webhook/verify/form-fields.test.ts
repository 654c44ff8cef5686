import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formValue, maxFormFields, readForm, readFormText } from './form-fields.ts'

// ASCII, as forms are: beside an escape that is no UTF-8, Node 24 reads an é of the form's own wrongly.
const formText = fc
  .array(fc.constantFrom('a', 'b', '=', '&', '+', '%', '%4', '%41', '%c3%a9', '%ff', '%00', ' ', ';', '?'))
  .map(pieces => pieces.join(''))

test('a form is read as URLSearchParams reads it', () => {
  fc.assert(
    fc.property(formText, text => {
      const read = readForm(Buffer.from(text))!.map(({ name, value }) => [name, value])
      // A question mark at the start is a URL's, which a body has none of.
      expect(read).toEqual([...new URLSearchParams(`&${text}`)])
    }),
    { numRuns: 500 },
  )
})

test('a form beyond its bounds is refused whole, never read in part', () => {
  expect(readFormText(`${'a=1&'.repeat(maxFormFields - 1)}a=1`)).toHaveLength(maxFormFields)
  expect(readFormText('a=1&'.repeat(maxFormFields))).toBeUndefined()
  expect(readFormText('&'.repeat(maxFormFields))).toBeUndefined()
  expect(readForm(Buffer.from('a=12'), 3)).toBeUndefined()
})

test('the first of several values is found', () => {
  expect(formValue(readFormText('b=0&a=1&a=2')!, 'a')).toBe('1')
  expect(formValue(readFormText('b=0')!, 'a')).toBeUndefined()
})
