import { z } from 'zod'

/** How a person proved to be the address. */
export const signInMethods = ['link', 'code', 'oidc', 'printed', 'device', 'passkey', 'password'] as const
export type SignInMethod = (typeof signInMethods)[number]

const impersonationSchema = z.object({
  organizationId: z.string(),
  memberId: z.string(),
  email: z.string(),
  reason: z.string(),
  endsAtMs: z.number(),
})

/** A session as Redis keeps it, under the digest of its secret. */
export const sessionSchema = z.object({
  /** `ses_…`: names it in lists and logs, and opens nothing. */
  id: z.string(),
  email: z.string(),
  name: z.string().optional(),
  method: z.enum(signInMethods),
  /** Of a tool: how the session was begun in which it was approved. Absent in those of earlier versions. */
  provenBy: z.enum(signInMethods).optional(),
  createdAtMs: z.number(),
  /** When the person proved to be the address. Absent in sessions of earlier versions, which each began with a proof. */
  provenAtMs: z.number().optional(),
  /** To the minute. */
  seenAtMs: z.number(),
  /** The end, however much it is used. */
  endsAtMs: z.number(),
  /** The most between two uses, ms. */
  idleMs: z.number(),
  /** Where it was begun: an address, or an IPv6 network of 64 bits. */
  peer: z.string(),
  /** The program that began it, as it names itself. */
  agent: z.string(),
  impersonation: impersonationSchema.optional(),
})

export type SessionRecord = z.infer<typeof sessionSchema>

/** When the person behind a session proved to be the address, Unix milliseconds. */
export const provenAtMsOf = ({ provenAtMs, createdAtMs }: SessionRecord): number => provenAtMs ?? createdAtMs

export function readSession(text: string | null): SessionRecord | undefined {
  if (text === null) return undefined
  // An older version of this process may have written it otherwise: that session has ended.
  return sessionSchema.safeParse(JSON.parse(text)).data
}
