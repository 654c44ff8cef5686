import { name } from '@fairlead/wire/declared/field'
import { z } from 'zod'
import { type Operation, openOperation } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { noParams, noQuery } from '../../query.ts'
import { readAddress } from '../address.ts'
import type { SignIn } from '../sign-in.ts'
import { useRefreshToken } from '../tokens/serve-tokens.ts'
import type { TenantAccounts } from './accounts.ts'
import { enterByPassword, tokensOf } from './enter.ts'
import { logIn } from './log-in.ts'
import { password } from './new-password.ts'
import { ownOperations } from './own-operations.ts'
import { register as beginRegistration, completeRegistration } from './register.ts'
import { address, registrationBody } from './registration-body.ts'

const tokensSchema = z
  .object({
    accessToken: z.string().meta({
      description: 'For the header `Authorization: Bearer …`; ends with its session.',
      example: 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl',
    }),
    tokenType: z.literal('Bearer'),
    expiresInSeconds: z.int().meta({ description: 'Until the access token ends.', example: 600 }),
    refreshToken: z.string().meta({
      description: 'For the next access token, once: each answer has another one.',
      example: 'flr_ses_4f0a93c1d27be85560aa1c42.1.bWFj',
    }),
  })
  .meta({ id: 'TenantTokens' })

/** What all open operations of tenant accounts are. */
const usual = {
  method: 'post',
  tag: 'Tenant accounts',
  partOf: 'tenant-accounts',
  keepsNoAnswer: true,
  params: noParams,
  query: noQuery,
  maxBodyBytes: 8_192,
} as const

const register = openOperation({
  ...usual,
  path: '/api/v1/auth/tenants/register/',
  name: 'registerTenant',
  summary: 'Register an organization, with its owner and a password',
  description:
    'A mail with a link goes to the address; nothing is made before it was opened and the password typed (`verifyTenantAddress`). The answer is the same, after the same time, also for an address that has an account: its owner is told by mail. Forgotten registrations end after 24 hours.',
  body: registrationBody,
  status: 202,
  answerDescription: 'A mail is on its way, if one may be sent to this address.',
  answer: z.object({ sent: z.literal('if_possible') }).meta({ id: 'TenantRegistration' }),
  problems: ['conflict'],
  async handle({ signIn, body, from }) {
    const { accounts, ...own } = here(signIn)
    await beginRegistration(own.signIn, accounts, body, from)
    return { sent: 'if_possible' as const }
  },
})

const verifyAddress = openOperation({
  ...usual,
  path: '/api/v1/auth/tenants/verify/',
  name: 'verifyTenantAddress',
  summary: 'Complete a registration by the token of its mail',
  description:
    'The token is the `token` of the link in the mail, good once, for 24 hours and five tries. With the password that was chosen it makes the organization and its owner, and signs the owner in. The page behind the link does the same in a browser.',
  body: z.strictObject({
    token: z.string().min(1).max(200),
    password,
    slug: name('Another slug than the registered one, where that was taken meanwhile.').optional(),
  }),
  status: 201,
  answerDescription: 'The organization is there, and its owner signed in.',
  answer: tokensSchema.extend({ organization: z.string().meta({ example: 'acme' }) }).meta({
    id: 'RegisteredTenant',
  }),
  problems: ['sign_in_refused', 'conflict'],
  async handle({ signIn, body, from }) {
    const { accounts, ...own } = here(signIn)
    const { email, slug } = await completeRegistration(own.signIn, accounts, body, from)
    const { sessionId: _, ...tokens } = await enterByPassword(own.signIn, email, from, true)
    return { ...tokens, organization: slug }
  },
})

const login = openOperation({
  ...usual,
  path: '/api/v1/auth/tenants/login/',
  name: 'logInTenant',
  summary: 'Sign in by address and password',
  description:
    'The answer to a wrong password, to an unknown address and to one without a password is the same, after the same time. After five wrong ones each further try of an address waits longer, up to 30 seconds; nobody is locked out, and signing in by mail goes on.',
  body: z.strictObject({ email: address, password }),
  status: 200,
  answerDescription: 'A new session: its tokens.',
  answer: tokensSchema,
  problems: ['sign_in_refused'],
  async handle({ signIn, body, from }) {
    const { accounts, ...own } = here(signIn)
    const email = readAddress(body.email)!
    return await logIn(own.signIn, accounts, { email, password: body.password }, from)
  },
})

const refresh = openOperation({
  ...usual,
  path: '/api/v1/auth/tenants/token/refresh/',
  name: 'refreshTenantToken',
  summary: 'A fresh access token for a refresh token',
  description:
    'The answer has the next refresh token; the one before is answered the same for 30 seconds more. One that is used later ends the session, and its person is told by mail.',
  body: z.strictObject({ refreshToken: z.string().min(1).max(1_000) }),
  status: 200,
  answerDescription: 'The next tokens of the session.',
  answer: tokensSchema,
  problems: ['sign_in_refused'],
  async handle({ signIn, body, from }) {
    const own = here(signIn)
    const used = await useRefreshToken(own.signIn, body.refreshToken, from.peer)
    if (!used) throw new ApiError('sign_in_refused', 'The refresh token is no longer good: sign in again.')
    return await tokensOf(own.signIn, used.session, used.token)
  },
})

export const tenantOperations: readonly Operation[] = [
  register,
  verifyAddress,
  login,
  refresh,
  ...ownOperations,
]

/** These operations are served only where there are accounts. Throws a TypeError otherwise: a fault of ours. */
function here(signIn: SignIn | undefined): { readonly signIn: SignIn; readonly accounts: TenantAccounts } {
  if (!signIn?.tenants) throw new TypeError('there are no tenant accounts here')
  return { signIn, accounts: signIn.tenants }
}
