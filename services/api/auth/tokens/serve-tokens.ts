import type { Request, Response, Router } from 'express'
import { ApiError } from '../../problem.ts'
import { deviceOf } from '../device.ts'
import { fieldOf, named, readForm } from '../form.ts'
import { mayEnter } from '../link/request.ts'
import { away } from '../link/serve-link.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { reuseMail, signedInMail } from '../mail/texts.ts'
import { isByPassword } from '../people.ts'
import type { SessionRecord } from '../sessions/record.ts'
import { staffLimits, toolLimits } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'
import { deviceSeconds, intervalSeconds } from './device.ts'
import { accessSeconds } from './jwt.ts'

/**
 * What tools ask: the device flow, and fresh tokens for old ones. No cookie counts here, so a page of another site has nothing to
 * gain. Errors are OAuth's (https://www.rfc-editor.org/rfc/rfc6749#section-5.2).
 */
export function serveTokens(router: Router, signIn: SignIn): void {
  router.post('/device/code', named('beginDevice'), ...readForm, (request, response) =>
    beginDevice(signIn, request, response),
  )
  router.post('/token', named('token'), ...readForm, (request, response) => {
    switch (fieldOf(request, 'grant_type')) {
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return pollDevice(signIn, request, response)
      case 'refresh_token':
        return refresh(signIn, request, response)
      case undefined:
        return refuse(response, missingParameter)
      default:
        return refuse(response, 'unsupported_grant_type')
    }
  })
  router.post('/refresh', named('refresh'), ...readForm, (request, response) =>
    refresh(signIn, request, response),
  )
  router.post('/revoke', named('revokeToken'), ...readForm, (request, response) =>
    revoke(signIn, request, response),
  )
}

const missingParameter = 'invalid_request'

async function beginDevice(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const peer: string = response.locals.peer
  if (!(await away(signIn.limits.takeTry(peer)))) {
    throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
  }
  const agent = (request.get('user-agent') ?? '').slice(0, 300)
  const { deviceCode, userCode } = await away(signIn.devices.begin({ peer, agent }))
  const page = new URL('/auth/device', signIn.publicUrl)
  const complete = new URL(page)
  complete.searchParams.set('user_code', userCode)
  response.json({
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: page.href,
    verification_uri_complete: complete.href,
    expires_in: deviceSeconds,
    interval: intervalSeconds,
  })
}

async function pollDevice(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const nowMs = Date.now()
  const deviceCode = fieldOf(request, 'device_code')
  if (deviceCode === undefined) return refuse(response, missingParameter)
  const polled = await away(signIn.devices.poll(deviceCode, nowMs))
  if (polled.kind !== 'approved') return refuse(response, polled.kind)
  const { email, provenAtMs, provenBy, agent, peer } = polled
  // Staff signs in anew as often with a tool as with a browser.
  const limits = signIn.staff.has(email) ? staffLimits : toolLimits
  const session = {
    ...{ email, provenAtMs, agent, peer, limits },
    method: 'device',
    ...(provenBy && { provenBy }),
  } as const
  const { id } = await away(signIn.sessions.begin(session, nowMs))
  signIn.log.info({ sessionId: id, method: 'device', peer }, 'sign_in.succeeded')
  queueMail(signIn, signedInMail({ email, peer, agent }, new Date(nowMs)))
  await answerTokens(signIn, { email, id }, await away(signIn.refreshTokens.begin(id)), response)
}

async function refresh(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const refreshToken = fieldOf(request, 'refresh_token')
  if (refreshToken === undefined) return refuse(response, missingParameter)
  const used = await useRefreshToken(signIn, refreshToken, response.locals.peer)
  if (!used) return refuse(response, 'invalid_grant')
  await answerTokens(signIn, used.session, used.token, response)
}

/**
 * Takes a refresh token for the next one. Undefined: it is none, its session has ended, or it was used before, which ends the session.
 * Throws an ApiError `unavailable`.
 */
export async function useRefreshToken(
  signIn: SignIn,
  token: string,
  peer: string,
): Promise<{ readonly session: SessionRecord; readonly token: string } | undefined> {
  const nowMs = Date.now()
  const used = await away(signIn.refreshTokens.use(token, nowMs))
  switch (used.kind) {
    case 'unknown':
      return undefined
    case 'reused':
      await endReused(signIn, used.sessionId, peer)
      return undefined
    case 'refreshed': {
      const session = await away(signIn.sessions.findById(used.sessionId, nowMs))
      // Whoever was added to the staff meanwhile signs in anew, by mail or passkey.
      const isTooLittle = session && isByPassword(session) && signIn.staff.has(session.email)
      if (session && !isTooLittle && (await mayEnter(signIn, session.email)))
        return { session, token: used.token }
      // Ended in the list of sessions, or nothing is left to sign in for.
      await away(signIn.refreshTokens.end(used.sessionId))
      return undefined
    }
    default:
      return used satisfies never
  }
}

/** Two have the same token: both lose it, and the person is told. */
async function endReused(signIn: SignIn, sessionId: string, peer: string): Promise<void> {
  const { sessions, log } = signIn
  const session = await away(sessions.findById(sessionId, Date.now()))
  log.warn({ sessionId, peer }, 'refresh_token.reused')
  if (!session) return
  await away(sessions.end(session.email, sessionId))
  const mail = reuseMail(session.email, deviceOf(session.agent), new Date())
  queueMail(signIn, mail)
}

async function revoke(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const nowMs = Date.now()
  const used = await away(signIn.refreshTokens.use(fieldOf(request, 'refresh_token') ?? '', nowMs))
  if (used.kind !== 'unknown') {
    await away(signIn.refreshTokens.end(used.sessionId))
    const session = await away(signIn.sessions.findById(used.sessionId, nowMs))
    if (session) await away(signIn.sessions.end(session.email, session.id))
  }
  // The same for a token that never was (https://www.rfc-editor.org/rfc/rfc7009#section-2.2).
  response.status(204).end()
}

async function answerTokens(
  { accessTokens }: SignIn,
  { email, id }: Pick<SessionRecord, 'email' | 'id'>,
  refreshToken: string,
  response: Response,
): Promise<void> {
  response.json({
    access_token: await accessTokens.issue({ email, sessionId: id }, Date.now()),
    token_type: 'Bearer',
    expires_in: accessSeconds,
    refresh_token: refreshToken,
  })
}

function refuse(response: Response, error: string): void {
  response.locals.code = error
  response.status(400).json({ error })
}
