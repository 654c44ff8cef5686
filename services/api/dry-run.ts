import { toJson } from '@bufbuild/protobuf'
import { type FieldChange, FieldChangeSchema } from '@fairlead/wire/store/change'
import { z } from 'zod'

/** `?dryRun=true`: everything is checked, and answered with what would be; nothing is changed. */

export const dryRunQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .transform(text => text === 'true')
    .optional()
    .meta({
      description:
        '`true`: check everything, answer 200 with what would be and what would change, change nothing.',
      example: 'true',
    }),
})

export const dryRunSchema = z
  .object({
    dryRun: z.literal(true),
    result: z.unknown().meta({ description: 'As it would stand then; null: it would be gone.' }),
    changes: z.array(
      z.object({
        field: z.string(),
        before: z.unknown().optional().meta({ description: 'Absent: nothing is there.' }),
        after: z.unknown().optional().meta({ description: 'Absent: nothing is there then.' }),
      }),
    ),
  })
  .meta({ id: 'DryRun', description: 'What a write would do. Secrets are told by a fingerprint.' })

/** The answer of a dry run, in the place of the operation's own. */
export class DryRun {
  readonly body: z.input<typeof dryRunSchema>

  constructor(result: unknown, changes: readonly FieldChange[]) {
    const told = changes.map(change => {
      const { before, after } = toJson(FieldChangeSchema, change) as { before?: unknown; after?: unknown }
      // A field without a value is `null` in JSON as well as a field that is null; the message knows which is meant.
      return {
        field: change.field,
        ...(change.before && { before: before ?? null }),
        ...(change.after && { after: after ?? null }),
      }
    })
    this.body = { dryRun: true, result, changes: told }
  }
}
