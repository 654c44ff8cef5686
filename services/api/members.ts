import { z } from 'zod'
import { managedBy, presentManagedBy } from './managed.ts'
import { operation } from './operation.ts'
import { noQuery, organizationParams } from './query.ts'
import { roleOf, roles } from './role.ts'
import { presentTime, timeText } from './time.ts'

const memberSchema = z
  .object({
    id: z.string(),
    email: z.string(),
    role: z.enum(roles),
    active: z.boolean().meta({ description: "False: can't sign in." }),
    lastLoginAt: timeText.nullable(),
    managedBy,
  })
  .meta({ id: 'Member' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/members',
  name: 'listMembers',
  tag: 'Settings',
  summary: 'Members',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All members, by e-mail address.',
  answer: z.object({ items: z.array(memberSchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const { members } = await store.members.listMembers({ organizationId: organization.id }, { signal })
    return {
      items: members.map(member => ({
        id: member.id,
        email: member.email,
        // The least, if a store that is newer than this process has a role that is not known here.
        role: roleOf(member.role) ?? ('viewer' as const),
        active: member.active,
        lastLoginAt: presentTime(member.lastLoginAt),
        managedBy: presentManagedBy(member.managedBy),
      })),
    }
  },
})

export const memberOperations = [list]
