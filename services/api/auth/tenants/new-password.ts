import { z } from 'zod'
import { leastCharacters, mostCharacters } from './password-rules.ts'

/** A password that is compared: one of another length or form is wrong, and no fault. */
export const password = z.string().min(1).max(1_000).meta({ example: 'five-otters-in-a-canoe' })

/** A password that is chosen; its rules are asked where it is used, with what is known of the person. */
export const newPassword = password.meta({
  description: `${leastCharacters} to ${mostCharacters} characters. One that others try first, a simple pattern, or your address and organization are refused.`,
  example: 'five-otters-in-a-canoe',
})
