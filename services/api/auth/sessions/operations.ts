import { z } from 'zod'
import type { PersonCaller } from '../../caller.ts'
import { type Call, operation } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { noParams, noQuery, sessionParams } from '../../query.ts'
import { timeText } from '../../time.ts'
import { deviceOf } from '../device.ts'
import { signInMethods } from './record.ts'
import type { Sessions } from './sessions.ts'

const sessionSchema = z
  .object({
    id: z.string().meta({ example: 'ses_4f0a93c1d27be85560aa1c42' }),
    current: z.boolean().meta({ description: 'The one that asks.' }),
    device: z.string().meta({ description: 'As it names itself.', example: 'Firefox on Linux' }),
    address: z
      .string()
      .meta({ description: 'Where it signed in: an address, or an IPv6 network of 64 bits.' }),
    method: z.enum(signInMethods),
    createdAt: timeText,
    lastSeenAt: timeText.meta({ description: 'To the minute.' }),
    endsAt: timeText.meta({ description: 'At the latest.' }),
  })
  .meta({ id: 'Session' })

const list = operation({
  method: 'get',
  path: '/auth/sessions',
  name: 'listSessions',
  tag: 'People',
  summary: "The caller's own sessions, newest first",
  access: 'read',
  params: noParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All that have not ended.',
  answer: z.object({ items: z.array(sessionSchema) }),
  problems: ['not_found'],
  async handle(call) {
    const { sessions, person } = peopleOnly(call)
    const found = await sessions.list(person.email)
    return {
      items: found.map(session => ({
        id: session.id,
        current: session.id === person.sessionId,
        device: deviceOf(session.agent),
        address: session.peer,
        method: session.method,
        createdAt: new Date(session.createdAtMs).toISOString(),
        lastSeenAt: new Date(session.seenAtMs).toISOString(),
        endsAt: new Date(session.endsAtMs).toISOString(),
      })),
    }
  },
})

const endOthers = operation({
  method: 'delete',
  path: '/auth/sessions',
  name: 'endOtherSessions',
  tag: 'People',
  summary: "End all of the caller's sessions but this one",
  access: 'read',
  keepsNoAnswer: true,
  params: noParams,
  query: noQuery,
  status: 204,
  answerDescription: 'They have ended.',
  problems: ['not_found'],
  async handle(call) {
    const { sessions, person } = peopleOnly(call)
    await sessions.endAll(person.email, person.sessionId)
    return undefined
  },
})

const end = operation({
  method: 'delete',
  path: '/auth/sessions/{session}',
  name: 'endSession',
  tag: 'People',
  summary: "End one of the caller's sessions",
  access: 'read',
  keepsNoAnswer: true,
  params: sessionParams,
  query: noQuery,
  status: 204,
  answerDescription: 'It has ended.',
  problems: [],
  async handle(call) {
    const { sessions, person } = peopleOnly(call)
    if (!(await sessions.end(person.email, call.params.session))) throw new ApiError('not_found')
    return undefined
  },
})

export const sessionOperations = [list, endOthers, end]

/** API keys have no sessions. */
function peopleOnly({ caller, signIn }: Pick<Call, 'caller' | 'signIn'>): {
  sessions: Sessions
  person: PersonCaller
} {
  if (caller.kind !== 'person' || !signIn) throw new ApiError('not_found')
  return { sessions: signIn.sessions, person: caller }
}
