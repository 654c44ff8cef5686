import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Request, Response } from 'express'
import { queueMail } from './mail/queue-mail.ts'
import { signedInMail } from './mail/texts.ts'
import { browserMs, meetBrowser } from './sessions/known-browsers.ts'
import type { SignInMethod } from './sessions/record.ts'
import { memberLimits, staffLimits } from './sessions/sessions.ts'
import type { SignIn } from './sign-in.ts'

/** A mail address that its owner has proved, and the method of the proof. */
export interface Proven {
  readonly email: string
  readonly name?: string
  readonly method: SignInMethod
}

/**
 * Begins a session, with a new secret at every sign-in. The session that this browser had before ends.
 *
 * @returns the id of the session
 */
export async function enter(
  signIn: SignIn,
  { email, name, method }: Proven,
  request: Request,
  response: Response,
): Promise<string> {
  const { sessions, cookies, staff, log } = signIn
  const nowMs = Date.now()
  const limits = staff.has(email) ? staffLimits : memberLimits
  const peer: string = response.locals.peer
  await endOwn(signIn, request, nowMs)
  const agent = (request.get('user-agent') ?? '').slice(0, 300)
  const { secret, id } = await sessions.begin(
    { email, method, peer, agent, limits, ...(name && { name }) },
    nowMs,
  )
  response.append('set-cookie', cookies.write('session', secret, limits.absoluteMs))
  response.append('set-cookie', cookies.clear('login'))
  log.info({ sessionId: id, method, peer }, 'sign_in.succeeded')
  const { isKnown, next } = meetBrowser(signIn.keys, cookies.read(request.headers.cookie, 'browser'), email)
  response.append('set-cookie', cookies.write('browser', next, browserMs))
  const wasHere = await noteLogin(signIn, email, nowMs).catch((err: unknown) => {
    log.warn({ err }, 'sign_in.unrecorded')
    return true
  })
  // The very first sign-in is new to nobody, and a printed link was at the machine itself.
  const isExpected = isKnown || method === 'printed' || !(wasHere || staff.has(email))
  if (!isExpected) queueMail(signIn, signedInMail({ email, peer, agent }, new Date(nowMs)))
  return id
}

/** Ends the session that a request's cookie names, if there is one. */
export async function endOwn({ sessions, cookies }: SignIn, request: Request, nowMs: number): Promise<void> {
  const secret = cookies.read(request.headers.cookie, 'session')
  const session = secret ? await sessions.find(secret, nowMs) : undefined
  if (session) await sessions.end(session.email, session.id)
}

/** @returns whether the person had signed in before */
export async function noteLogin(
  { store }: Pick<SignIn, 'store'>,
  email: string,
  nowMs: number,
): Promise<boolean> {
  const { members } = await store.members.getMemberByEmail({ email })
  const at = timestampFromMs(nowMs)
  await Promise.all(
    members
      .filter(({ active }) => active)
      .map(({ organizationId, id: memberId }) =>
        store.members.updateLastLogin({ organizationId, memberId, at }),
      ),
  )
  return members.some(({ lastLoginAt }) => lastLoginAt !== undefined)
}
