import { z } from 'zod'
import { type Call, operation } from './operation.ts'
import { noParams, organizationParams } from './query.ts'

const faultKinds = ['edited', 'deleted', 'inserted', 'reordered', 'truncated'] as const

const endText = z
  .string()
  .regex(/^\d{1,15}:[0-9a-f]{64}$/, 'is no end of a log, such as 12:9f86…0a08')
  .meta({ description: 'Place and digest of the last entry.', example: `12:${'9f86d081884c7d65'.repeat(4)}` })

const verifyQuery = z.strictObject({
  noted: endText.optional().meta({
    description:
      '`end` of an answer before, kept elsewhere. Whoever may write every row of Postgres can make a whole chain anew: this tells.',
  }),
})

const verified = z
  .object({
    intact: z.boolean().meta({ description: 'Whether the log is what was written.' }),
    entries: z
      .int()
      .meta({ description: 'Entries of the chain. Those of before there was a chain are not in it.' }),
    end: endText,
    faults: z.array(
      z.object({
        kind: z.enum(faultKinds),
        place: z.int().meta({ description: 'The first entry that is meant, counted from 1.' }),
        id: z.string().nullable().meta({ description: "The entry's id; null: it is gone." }),
      }),
    ),
  })
  .meta({ id: 'VerifiedAuditLog' })

export const verifyAuditLog = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/audit-log/verify',
  name: 'verifyAuditLog',
  tag: 'Audit log',
  summary: 'Whether the audit log is what was written',
  description:
    'Entries are a chain: each has a digest of itself and of the entry before. Reads the whole log, and names where entries were edited, deleted, inserted, reordered, or cut off the end.',
  access: 'administer',
  params: organizationParams,
  query: verifyQuery,
  status: 200,
  answerDescription: 'The faults that were found, by their place.',
  answer: verified,
  problems: [],
  handle: async call => await verify(call, call.organization.id),
})

export const verifyPlatformAuditLog = operation({
  method: 'get',
  path: '/api/v1/audit-log/verify',
  name: 'verifyPlatformAuditLog',
  tag: 'Audit log',
  summary: "Whether the platform's own audit log is what was written",
  access: 'platform-read',
  params: noParams,
  query: verifyQuery,
  status: 200,
  answerDescription: 'The faults that were found, by their place.',
  answer: verified,
  problems: [],
  handle: async call => await verify(call, ''),
})

async function verify(
  { store, query, signal }: Call<unknown, z.output<typeof verifyQuery>>,
  organizationId: string,
): Promise<z.input<typeof verified>> {
  const [seq, digest] = query.noted?.split(':') ?? []
  const { entries, faults, end } = await store.audit.verifyAuditLog(
    {
      organizationId,
      ...(seq && digest && { noted: { seq: BigInt(seq), sha256: Buffer.from(digest, 'hex') } }),
    },
    { signal },
  )
  return {
    intact: faults.length === 0,
    entries: Number(entries),
    end: `${end?.seq ?? 0}:${Buffer.from(end?.sha256 ?? []).toString('hex')}`,
    faults: faults.map(({ kind, seq, id }) => ({
      kind: z.enum(faultKinds).parse(kind),
      place: Number(seq),
      id: id || null,
    })),
  }
}
