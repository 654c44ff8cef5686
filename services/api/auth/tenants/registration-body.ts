import { name } from '@fairlead/wire/declared/field'
import { z } from 'zod'
import { plainText } from '../../query.ts'
import { readAddress } from '../address.ts'
import { newPassword } from './new-password.ts'

export const address = z
  .string()
  .max(320)
  .refine(text => readAddress(text) !== undefined, 'is no e-mail address')
  .meta({ example: 'ada@example.com' })

/** What whoever registers gives, a program as JSON and a person in a form. */
export const registrationBody = z.strictObject({
  email: address,
  password: newPassword,
  slug: name("Part of the organization's webhook URLs; can't change. A DNS label."),
  displayName: plainText(100).optional().meta({ description: 'For people. Default: the slug.' }),
})
