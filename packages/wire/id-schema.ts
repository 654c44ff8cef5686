import { type IdPrefix, parseId } from '@fairlead/webhook/id'
import { z } from 'zod'

/** A zod schema for an id of one kind. */
export const idSchema = <P extends IdPrefix>(prefix: P) =>
  z.string().transform((text, context) => {
    const id = parseId(prefix, text)
    if (id) return id
    context.addIssue({ code: 'custom', message: `not an id with the prefix ${prefix}_` })
    return z.NEVER
  })
