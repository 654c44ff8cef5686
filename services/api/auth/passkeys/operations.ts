import type { Passkey } from '@fairlead/wire/store/passkey'
import { z } from 'zod'
import type { PersonCaller } from '../../caller.ts'
import { requireFreshProof } from '../../fresh-proof.ts'
import { type Call, operation } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { noParams, noQuery, passkeyParams, plainText, staffParams } from '../../query.ts'
import { presentTime, presentTimeOf, timeText } from '../../time.ts'
import { readAddress } from '../address.ts'
import { away } from '../link/serve-link.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { passkeyMail } from '../mail/texts.ts'
import type { SignIn } from '../sign-in.ts'
import { credentialSchema, passkeyIdOf } from './credential-id.ts'
import type { RelyingParty } from './relying-party.ts'

const passkeySchema = z
  .object({
    id: z.string().meta({ example: 'pky_4f0a93c1d27be85560aa1c42' }),
    name: z.string().meta({ example: 'Laptop' }),
    createdAt: timeText,
    lastUsedAt: timeText.nullable(),
  })
  .meta({ id: 'Passkey' })

const list = operation({
  method: 'get',
  path: '/auth/passkeys',
  name: 'listPasskeys',
  tag: 'People',
  summary: "The caller's own passkeys, the oldest first",
  description: 'For staff. As long as there is one, a link or a code by mail signs that person in no more.',
  access: 'platform-read',
  params: noParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All of them.',
  answer: z.object({ items: z.array(passkeySchema) }),
  problems: [],
  async handle(call) {
    const { passkeys } = await call.store.passkeys.listPasskeys({ email: staffOnly(call).person.email })
    return { items: passkeys.map(presentPasskey) }
  },
})

const begin = operation({
  method: 'post',
  path: '/auth/passkeys/options',
  name: 'beginPasskey',
  tag: 'People',
  summary: 'Begin to add a passkey',
  description:
    'For staff who signed in within the last 10 minutes. The answer is what `navigator.credentials.create` takes, good for 5 minutes and one answer.',
  access: 'platform-read',
  keepsNoAnswer: true,
  params: noParams,
  query: noQuery,
  status: 200,
  answerDescription: 'For `PublicKeyCredential.parseCreationOptionsFromJSON`.',
  answer: z.object({ publicKey: z.looseObject({ challenge: z.string() }) }).meta({ id: 'PasskeyOptions' }),
  problems: ['proof_too_old'],
  async handle(call) {
    const { signIn, person, party } = addsOnly(call)
    const { passkeys } = await call.store.passkeys.listPasskeys({ email: person.email })
    const publicKey = await party.optionsToAdd(person.email, passkeys)
    const pending = { challenge: publicKey.challenge, userHandle: publicKey.user.id }
    await away(signIn.challenges.keep(person.sessionId, pending))
    return { publicKey: { ...publicKey } }
  },
})

const add = operation({
  method: 'post',
  path: '/auth/passkeys',
  name: 'addPasskey',
  tag: 'People',
  summary: 'Add the passkey that a browser made',
  description:
    'After `beginPasskey`, by the same session. From then on mail alone signs this person in no more. The person is told by mail.',
  access: 'platform-read',
  keepsNoAnswer: true,
  params: noParams,
  query: noQuery,
  body: z.strictObject({
    name: plainText(100).meta({ description: 'For the person.', example: 'Laptop' }),
    credential: credentialSchema,
  }),
  status: 201,
  answerDescription: 'The passkey.',
  answer: passkeySchema,
  problems: ['conflict', 'limit_reached', 'proof_too_old'],
  async handle(call) {
    const { signIn, person, party } = addsOnly(call)
    const pending = await away(signIn.challenges.take(person.sessionId))
    const credential = pending && (await party.checkAdded(pending.challenge, call.body.credential))
    if (!pending?.userHandle || !credential) {
      throw new ApiError('conflict', 'This answers no challenge of this session: begin again.')
    }
    const { passkey } = await call.store.passkeys.addPasskey(
      {
        passkey: {
          credentialId: Buffer.from(credential.id, 'base64url'),
          email: person.email,
          userHandle: Buffer.from(pending.userHandle, 'base64url'),
          name: call.body.name,
          publicKey: credential.publicKey,
          counter: credential.counter,
          transports: (credential.transports ?? []).slice(0, 10),
        },
        change: call.change,
      },
      call.write,
    )
    queueMail(signIn, passkeyMail(person.email, 'added', call.body.name, new Date()))
    return presentPasskey(passkey!)
  },
})

const remove = operation({
  method: 'delete',
  path: '/auth/passkeys/{passkey}',
  name: 'removePasskey',
  tag: 'People',
  summary: "Remove one of the caller's passkeys",
  description: 'For staff who signed in within the last 10 minutes. Sessions that it began go on.',
  access: 'platform-read',
  keepsNoAnswer: true,
  params: passkeyParams,
  query: noQuery,
  status: 204,
  answerDescription: 'It signs nobody in any more.',
  problems: ['proof_too_old'],
  async handle(call) {
    const { signIn, person } = staffOnly(call)
    requireFreshProof(person)
    const { email } = person
    const { passkeys } = await call.store.passkeys.listPasskeys({ email })
    const found = passkeys.find(({ credentialId }) => passkeyIdOf(credentialId) === call.params.passkey)
    if (!found) throw new ApiError('not_found')
    const { credentialId, name } = found
    await call.store.passkeys.removePasskeys({ email, credentialId, change: call.change }, call.write)
    queueMail(signIn, passkeyMail(email, 'removed', name, new Date()))
    return undefined
  },
})

const removeAll = operation({
  method: 'delete',
  path: '/api/v1/platform/staff/{email}/passkeys',
  name: 'removeStaffPasskeys',
  tag: 'People',
  summary: 'Remove all passkeys of a staff member who has lost them',
  description: 'The staff member signs in by mail again, and gets a mail that says so.',
  access: 'platform',
  keepsNoAnswer: true,
  params: staffParams,
  query: noQuery,
  status: 204,
  answerDescription: 'There is none any more.',
  problems: ['proof_too_old'],
  async handle({ store, signIn, caller, params, change, write }) {
    requireFreshProof(caller)
    const email = readAddress(params.email)!
    await store.passkeys.removePasskeys({ email, change }, write)
    if (signIn) queueMail(signIn, passkeyMail(email, 'removed', 'all of them', new Date()))
    return undefined
  },
})

export const passkeyOperations = [list, begin, add, remove, removeAll]

type StaffCall = Pick<Call, 'caller' | 'signIn'>

/** Keys have no passkeys. Throws an ApiError `forbidden`. */
function staffOnly({ caller, signIn }: StaffCall): { signIn: SignIn; person: PersonCaller } {
  if (caller.kind !== 'person' || !signIn || !caller.staff || caller.impersonation) {
    throw new ApiError('forbidden', 'This is for staff who are signed in.')
  }
  return { signIn, person: caller }
}

function addsOnly(call: StaffCall): { signIn: SignIn; person: PersonCaller; party: RelyingParty } {
  const { signIn, person } = staffOnly(call)
  requireFreshProof(person)
  const { relyingParty: party } = signIn
  if (!party)
    throw new ApiError('conflict', 'Passkeys need a name in FAIRLEAD_CONSOLE_URL, where it has an address.')
  return { signIn, person, party }
}

const presentPasskey = ({
  credentialId,
  name,
  createdAt,
  lastUsedAt,
}: Passkey): z.input<typeof passkeySchema> => ({
  id: passkeyIdOf(credentialId),
  name,
  createdAt: presentTimeOf(createdAt),
  lastUsedAt: presentTime(lastUsedAt),
})
