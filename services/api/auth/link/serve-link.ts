import type { Request, Response, Router } from 'express'
import { ApiError } from '../../problem.ts'
import { readAddress } from '../address.ts'
import { enter } from '../enter.ts'
import { fieldOf, named, readForm, wantsJson } from '../form.ts'
import { land, rememberLanding } from '../landing.ts'
import { sendPage } from '../pages/page.ts'
import {
  askedPage,
  askPage,
  confirmPage,
  endedPage,
  otherBrowserPage,
  passkeyNeededPage,
} from '../pages/pages.ts'
import { needsPasskey } from '../passkeys/prove.ts'
import { canBeSecret, digestOf, newSecret } from '../secret.ts'
import type { SignIn } from '../sign-in.ts'
import { queueLink } from './request.ts'
import { linkMs } from './tickets.ts'

export function serveLink(router: Router, signIn: SignIn): void {
  router.get('/sign-in', named('signInPage'), (request, response) => {
    rememberLanding(signIn, request, response)
    sendPage(
      response,
      200,
      askPage(signIn.oidc?.name, {
        passkeys: signIn.relyingParty !== undefined,
        passwords: signIn.tenants !== undefined,
      }),
    )
  })
  router.post('/request-magic-link', named('requestMagicLink'), ...readForm, (request, response) =>
    requestLink(signIn, request, response),
  )
  router.get('/verify', named('verifyPage'), (request, response) => showLink(signIn, request, response))
  router.post('/verify', named('verify'), ...readForm, (request, response) =>
    verify(signIn, request, response),
  )
}

/** Answers the same to everyone, at once; what follows is queued. */
function requestLink(signIn: SignIn, request: Request, response: Response): void {
  const email = readAddress(fieldOf(request, 'email'))
  if (!email) {
    const fault = { in: 'body', name: 'email', message: 'one e-mail address' } as const
    throw new ApiError('request_invalid', 'Give one e-mail address.', { faults: [fault] })
  }
  // Without Redis no link can be kept, whoever asks.
  if (signIn.redis.status !== 'ready') throw new ApiError('unavailable', undefined, { retryAfterSeconds: 5 })
  // A browser keeps its cookie, so that a link that was sent before stays good.
  const known = signIn.cookies.read(request.headers.cookie, 'login')
  const login = canBeSecret(known) ? known : newSecret()
  const agent = (request.get('user-agent') ?? '').slice(0, 300)
  response.append('set-cookie', signIn.cookies.write('login', login, linkMs))
  if (wantsJson(request)) response.status(202).json({ sent: 'if_known' })
  else sendPage(response, 200, askedPage)
  queueLink(signIn, { email, peer: response.locals.peer, agent }, login)
}

/** The page behind the link. It changes nothing: mail scanners open links. */
async function showLink(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const { token } = request.query
  const ticket = typeof token === 'string' ? await away(signIn.tickets.look(token)) : undefined
  const login = signIn.cookies.read(request.headers.cookie, 'login')
  if (!ticket || ticket.loginDigest === '') {
    if (await isSignedIn(signIn, request)) return land(signIn, request, response)
    return sendPage(response, 200, endedPage)
  }
  const isAskers = canBeSecret(login) && digestOf(login) === ticket.loginDigest
  sendPage(response, 200, isAskers ? confirmPage(String(token), ticket.email) : otherBrowserPage(ticket))
}

async function verify(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const token = fieldOf(request, 'token')
  const code = fieldOf(request, 'code')?.replaceAll(' ', '')
  const login = signIn.cookies.read(request.headers.cookie, 'login')
  if (!(await away(signIn.limits.takeTry(response.locals.peer)))) {
    throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
  }
  const { redeem, redeemCode } = signIn.tickets
  let isPasskeyNeeded = false
  // Before the proof is used up: a store that can't tell refuses, and the proof stays good.
  const lookFirst = async (email: string) => {
    isPasskeyNeeded = await needsPasskey(signIn, email)
  }
  const ticket = await away(
    token !== undefined
      ? redeem(token, login, lookFirst)
      : code !== undefined
        ? redeemCode(code, login, lookFirst)
        : noTicket,
  )
  const method = token !== undefined ? 'link' : 'code'
  if (!ticket) return await refuse(signIn, request, response, method)
  if (isPasskeyNeeded) return askForPasskey(signIn, request, response, method)
  await away(enter(signIn, { email: ticket.email, method }, request, response))
  if (wantsJson(request)) response.json({ email: ticket.email })
  else land(signIn, request, response)
}

const noTicket = Promise.resolve(undefined)

async function refuse(signIn: SignIn, request: Request, response: Response, method: 'link' | 'code') {
  // A second click on the button: the first has signed this browser in.
  if (!wantsJson(request) && (await isSignedIn(signIn, request))) return land(signIn, request, response)
  signIn.log.info({ method, peer: response.locals.peer }, 'sign_in.refused')
  response.locals.code = 'sign_in_refused'
  if (wantsJson(request)) throw new ApiError('sign_in_refused')
  sendPage(response, 401, endedPage)
}

function askForPasskey(signIn: SignIn, request: Request, response: Response, method: 'link' | 'code'): void {
  signIn.log.info({ method, peer: response.locals.peer, passkey: 'needed' }, 'sign_in.refused')
  response.locals.code = 'sign_in_refused'
  if (wantsJson(request))
    throw new ApiError('sign_in_refused', 'Sign in with your passkey, at /auth/passkey.')
  sendPage(response, 401, passkeyNeededPage)
}

export async function isSignedIn({ cookies, sessions }: SignIn, request: Request): Promise<boolean> {
  const secret = cookies.read(request.headers.cookie, 'session')
  return secret !== undefined && (await away(sessions.find(secret, Date.now()))) !== undefined
}

/** Answers 503 where the work fails, except with an answer of its own: sign-in fails otherwise only while Redis or the store is away. */
export async function away<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof ApiError) throw cause
    throw new ApiError('unavailable', undefined, { cause, retryAfterSeconds: 5 })
  }
}
