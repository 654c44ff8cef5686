import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Passkey } from '@fairlead/wire/store/passkey'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
  VerifiedRegistrationResponse,
} from '@simplewebauthn/server'

/** Passkeys as this platform asks for them: kept by the authenticator, and opened by a PIN or a finger. */
export interface RelyingParty {
  /** The options with which a browser makes a passkey. A person's other passkeys are in them, so that no device makes a second one. */
  optionsToAdd(email: string, others: readonly Passkey[]): Promise<PublicKeyCredentialCreationOptionsJSON>
  /** The options with which a browser asks its authenticator for a passkey. They name no person: the passkey does. */
  optionsToSignIn(): Promise<PublicKeyCredentialRequestOptionsJSON>
  /** Undefined: it is no passkey for this challenge and this origin. */
  checkAdded(challenge: string, answer: unknown): Promise<AddedCredential | undefined>
  /** The authenticator's new counter; undefined: the signature isn't this passkey's for this challenge and this origin. */
  checkSignIn(challenge: string, answer: unknown, passkey: Passkey): Promise<number | undefined>
}

export type AddedCredential = NonNullable<VerifiedRegistrationResponse['registrationInfo']>['credential']

/** How long a person may take, ms. */
export const challengeMs = 5 * 60_000

/** With all that certificates need a megabyte of modules: loaded by whoever has a passkey. */
const library = () => import('@simplewebauthn/server')

/** Undefined where people reach the platform by an address: passkeys are bound to a name. */
export function openRelyingParty(publicUrl: URL): RelyingParty | undefined {
  const { hostname: rpID, origin } = publicUrl
  if (isIP(rpID.replaceAll(/[[\]]/g, '')) !== 0) return undefined
  const expected = { expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: true }
  return {
    async optionsToAdd(email, others) {
      const { generateRegistrationOptions } = await library()
      return await generateRegistrationOptions({
        rpName: 'Fairlead',
        rpID,
        userName: email,
        userID: new Uint8Array(others[0]?.userHandle ?? randomBytes(32)),
        timeout: challengeMs,
        excludeCredentials: others.map(({ credentialId, transports }) => ({
          id: Buffer.from(credentialId).toString('base64url'),
          transports,
        })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
    },
    async optionsToSignIn() {
      const { generateAuthenticationOptions } = await library()
      return await generateAuthenticationOptions({ rpID, userVerification: 'required', timeout: challengeMs })
    },
    async checkAdded(expectedChallenge, answer) {
      const { verifyRegistrationResponse } = await library()
      const response = answer as RegistrationResponseJSON
      const checked = await orUndefined(
        verifyRegistrationResponse({ ...expected, expectedChallenge, response }),
      )
      return checked?.verified ? checked.registrationInfo.credential : undefined
    },
    async checkSignIn(expectedChallenge, answer, passkey) {
      const { verifyAuthenticationResponse } = await library()
      const response = answer as AuthenticationResponseJSON
      const credential = {
        id: Buffer.from(passkey.credentialId).toString('base64url'),
        publicKey: new Uint8Array(passkey.publicKey),
        counter: passkey.counter,
      }
      const checked = await orUndefined(
        verifyAuthenticationResponse({ ...expected, expectedChallenge, response, credential }),
      )
      return checked?.verified ? checked.authenticationInfo.newCounter : undefined
    },
  }
}

/** The library throws for all that is no answer to the challenge, and for what isn't to be read: it came from outside. */
const orUndefined = <T>(checked: Promise<T>): Promise<T | undefined> => checked.catch(() => undefined)
