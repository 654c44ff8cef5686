import type { ServiceImpl } from '@connectrpc/connect'
import {
  AddPasskeyResponseSchema,
  type PasskeyService,
  RemovePasskeysResponseSchema,
} from '@fairlead/wire/store/passkey'
import { z } from 'zod'
import {
  addPasskey,
  getPasskey,
  listPasskeys,
  passkeyMessage,
  removePasskeys,
  usePasskey,
} from '../members/passkeys.ts'
import { parseRequest, requireAddress } from '../parse-request.ts'
import { type Calls, transact } from './calls.ts'
import { write } from './write.ts'

const bytes = (most: number) =>
  z.instanceof(Uint8Array).refine(({ length }) => length >= 1 && length <= most, `1 to ${most} bytes`)
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}*$/u)

const passkeySchema = z.object({
  credentialId: bytes(1_023),
  email: z.string(),
  userHandle: bytes(64),
  name: text(100),
  publicKey: bytes(4_096),
  counter: z.int().min(0),
  transports: z.array(text(50)).max(10),
})

/** Passkeys are the platform's: they belong to no organization, and their changes stand in the platform's own audit log. */
export function passkeyCalls(calls: Calls): ServiceImpl<typeof PasskeyService> {
  const now = () => new Date(calls.now())
  const ofPlatform = { organizationId: '' }
  return {
    async listPasskeys({ email }, context) {
      const address = requireAddress(email)
      const rows = await transact(calls, context, 'platform', db => listPasskeys(db, address))
      return { passkeys: rows.map(passkeyMessage) }
    },

    async getPasskey({ credentialId }, context) {
      const row = await transact(calls, context, 'platform', db => getPasskey(db, credentialId))
      return { passkey: passkeyMessage(row) }
    },

    async addPasskey(request, context) {
      const { credentialId, userHandle, publicKey, email, ...rest } = parseRequest(
        passkeySchema,
        request.passkey,
        'passkey',
      )
      const added = {
        ...rest,
        email: requireAddress(email),
        credential_id: Buffer.from(credentialId),
        user_handle: Buffer.from(userHandle),
        public_key: Buffer.from(publicKey),
      }
      return write(
        calls,
        context,
        { ...ofPlatform, change: request.change },
        AddPasskeyResponseSchema,
        async db => {
          const passkey = passkeyMessage(await addPasskey(db, added, now()))
          const details = { email: added.email, name: added.name }
          return { answer: { passkey }, entry: { action: 'passkey.added', subjectId: added.email, details } }
        },
      )
    },

    async usePasskey({ credentialId, counter }, context) {
      const row = await transact(calls, context, 'platform', db =>
        usePasskey(db, credentialId, counter, now()),
      )
      return { passkey: passkeyMessage(row) }
    },

    async removePasskeys(request, context) {
      const email = requireAddress(request.email)
      const asked = { ...ofPlatform, change: request.change }
      return write(calls, context, asked, RemovePasskeysResponseSchema, async db => {
        const removed = await removePasskeys(db, email, request.credentialId)
        const details = { email, names: removed.map(({ name }) => name) }
        return {
          answer: { removed: removed.length },
          entry: { action: 'passkey.removed', subjectId: email, details },
        }
      })
    },
  }
}
