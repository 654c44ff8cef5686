import type { Passkey } from '@fairlead/wire/store/passkey'
import { storeProblem } from '../../store-problem.ts'
import type { SignIn } from '../sign-in.ts'
import type { PendingPasskey } from './challenges.ts'
import { credentialIdIn, credentialSchema } from './credential-id.ts'

/**
 * Whom an authenticator's answer to a challenge signs in: staff alone. Undefined: nobody. Throws an ApiError `unavailable` where the
 * store is away.
 */
export async function proveByPasskey(
  { store, staff, relyingParty }: Pick<SignIn, 'store' | 'staff' | 'relyingParty'>,
  { challenge }: PendingPasskey,
  answer: unknown,
): Promise<string | undefined> {
  const { data: credential } = credentialSchema.safeParse(answer)
  if (!credential || !relyingParty) return undefined
  const credentialId = credentialIdIn(credential)
  const passkey = await orNone(store.passkeys.getPasskey({ credentialId }))
  if (!passkey || !staff.has(passkey.email) || !namesOwner(credential, passkey)) return undefined
  const counter = await relyingParty.checkSignIn(challenge, credential, passkey)
  if (counter === undefined) return undefined
  // None where a copy of the authenticator was used with this counter, or a later one.
  return (await orNone(store.passkeys.usePasskey({ credentialId, counter })))?.email
}

/** Whether somebody must sign in by a passkey: staff who have one. A mailbox alone is too little for the platform. */
export async function needsPasskey(
  { store, staff }: Pick<SignIn, 'store' | 'staff'>,
  email: string,
): Promise<boolean> {
  if (!staff.has(email)) return false
  const { passkeys } = await store.passkeys.listPasskeys({ email }).catch((error: unknown) => {
    throw storeProblem(error)
  })
  return passkeys.length > 0
}

/** An authenticator that knows its person says the handle that it was given (https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion, step 6). */
function namesOwner({ response }: { response: Record<string, unknown> }, { userHandle }: Passkey): boolean {
  return response.userHandle === Buffer.from(userHandle).toString('base64url')
}

async function orNone(answer: Promise<{ passkey?: Passkey | undefined }>): Promise<Passkey | undefined> {
  try {
    return (await answer).passkey
  } catch (error) {
    const problem = storeProblem(error)
    if (problem.code === 'not_found') return undefined
    throw problem
  }
}
