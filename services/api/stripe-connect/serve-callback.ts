import { ErrorReason } from '@fairlead/wire/store/error'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import type { Express, Request, Response } from 'express'
import { named } from '../auth/form.ts'
import { away } from '../auth/link/serve-link.ts'
import { sendPage } from '../auth/pages/page.ts'
import { messagePage } from '../auth/pages/pages.ts'
import { personOf } from '../auth/people.ts'
import type { SignIn } from '../auth/sign-in.ts'
import { actorOf, type PersonCaller } from '../caller.ts'
import { ApiError } from '../problem.ts'
import { requireRight } from '../rights.ts'
import { storeProblem } from '../store-problem.ts'
import { type Granted, StripeAwayError, type StripeOauth } from './oauth.ts'
import { openConnectStates } from './states.ts'

/** Where Stripe leads back to: a redirect URI of the platform's settings at Stripe. */
export const callbackPath = '/connect/stripe/callback'

/**
 * The way back from Stripe. A GET changes something here, since that is how Stripe sends people back; it is bound to the session that
 * began it, by cookie and state, and asks for the right to the organization anew.
 */
export function serveConnectCallback(app: Express, signIn: SignIn, oauth: StripeOauth): void {
  app.get(callbackPath, named('finishStripeConnect'), async (request, response) => {
    const { status, title, text } = await finish(signIn, oauth, request, response).catch((error: unknown) => {
      if (error instanceof StripeAwayError) return endings.away
      if (error instanceof ApiError && error.code !== 'internal')
        return { ...endings.refused, text: error.message }
      throw error
    })
    signIn.log.info({ peer: response.locals.peer, status }, 'connect.came_back')
    sendPage(response, status, messagePage(title, text))
  })
}

interface Ending {
  readonly status: number
  readonly title: string
  readonly text: string
}

const endings = {
  notBegun: {
    status: 401,
    title: 'Nothing was connected',
    text: 'This was not begun in this browser, was used already, or took more than 10 minutes. Sign in, and begin again.',
  },
  denied: { status: 200, title: 'Nothing was connected', text: 'You did not agree at Stripe.' },
  stale: {
    status: 400,
    title: 'Nothing was connected',
    text: 'Stripe did not take the code: it was used, or took too long. Begin again.',
  },
  taken: {
    status: 409,
    title: 'Nothing was connected',
    text: 'This Stripe account is connected to another organization. Disconnect it there first.',
  },
  away: {
    status: 503,
    title: 'Nothing was connected',
    text: 'Stripe does not answer. Begin again in a minute.',
  },
  refused: { status: 403, title: 'Nothing was connected', text: '' },
} as const satisfies Readonly<Record<string, Ending>>

async function finish(
  signIn: SignIn,
  oauth: StripeOauth,
  request: Request,
  response: Response,
): Promise<Ending> {
  const { state, code, error } = request.query
  const secret = signIn.cookies.read(request.headers.cookie, 'session')
  const session = secret ? await away(signIn.sessions.find(secret, Date.now())) : undefined
  if (!session || session.isStale || typeof state !== 'string') return endings.notBegun
  const begun = await away(openConnectStates(signIn.redis).take(state, session.id))
  if (!begun) return endings.notBegun
  if (error !== undefined || typeof code !== 'string' || code.length > 500) return endings.denied
  const { slug } = begun
  // As things are now: the role may have been taken away meanwhile.
  const person = await personOf(signIn.store, signIn.staff, session, Date.now())
  requireRight(person, { right: 'administer', organization: { slug }, writes: true })
  const granted = await oauth.exchange(code)
  if (!granted) return endings.stale
  return await connect(signIn, { person, slug, granted }, request, response)
}

async function connect(
  { store }: SignIn,
  { person, slug, granted }: { person: PersonCaller; slug: string; granted: Granted },
  request: Request,
  response: Response,
): Promise<Ending> {
  const { peer: address, requestId } = response.locals
  const agent = (request.get('user-agent') ?? '').slice(0, 300)
  try {
    const { organization } = await store.organizations.getOrganization({ by: { case: 'slug', value: slug } })
    const change = { ...actorOf(person, slug), via: 'api', address, agent, requestId }
    await store.stripeConnect.connectAccount({ organizationId: organization?.id ?? '', ...granted, change })
  } catch (error) {
    if (storeErrorDetail(error)?.reason === ErrorReason.NAME_TAKEN) return endings.taken
    throw storeProblem(error)
  }
  const text = `The Stripe account ${granted.account} is connected to ${slug}: its events come as those of the source _stripe.`
  return { status: 200, title: 'Connected', text }
}
