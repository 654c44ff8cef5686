import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import {
  ConnectAccountResponseSchema,
  DisconnectAccountResponseSchema,
  type StripeConnectService,
} from '@fairlead/wire/store/stripe_connect'
import { z } from 'zod'
import { parseRequest, requireId } from '../parse-request.ts'
import {
  accountMessage,
  connectAccount,
  countHeld,
  disconnectAccount,
  isToDeauthorize,
  listAccounts,
  lockAccount,
} from '../stripe-connect/accounts.ts'
import { handOverHeld } from '../stripe-connect/route.ts'
import { type Calls, transact } from './calls.ts'
import { write } from './write.ts'

const account = z.string().regex(/^acct_[A-Za-z0-9]{1,64}$/, 'is no id of a Stripe account')
const granted = z.object({ account, scope: z.enum(['read_only', 'read_write']), livemode: z.boolean() })

/** An account is one organization's at a time, so these calls look at those of all: under the platform's scope. */
export function stripeConnectCalls(calls: Calls): ServiceImpl<typeof StripeConnectService> {
  const now = () => new Date(calls.now())
  return {
    async listConnectedAccounts(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      return await transact(calls, context, 'platform', async db => {
        const rows = await listAccounts(db, id)
        const held = await countHeld(
          db,
          rows.filter(row => !row.disconnected_at).map(row => row.account),
        )
        return { accounts: rows.map(row => accountMessage(row, held.get(row.account))) }
      })
    },

    async connectAccount(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const grant = { organization, ...parseRequest(granted, request) }
      const ofPlatform = { organizationId: '', change: request.change }
      const answer = await write(calls, context, ofPlatform, ConnectAccountResponseSchema, async db => {
        await lockAccount(db, grant.account)
        const row = await connectAccount(db, grant, now())
        const { scope, livemode } = grant
        return {
          answer: { account: accountMessage(row) },
          entry: {
            action: 'connected_account.connected',
            organization: toUuid(organization),
            subjectId: row.account,
            details: { scope, livemode },
          },
        }
      })
      // What fails here is handed over by the next round.
      await handOverHeld(calls, grant.account).catch((err: unknown) => {
        calls.log.warn({ err, account: grant.account }, 'connect.still_held')
      })
      return answer
    },

    async disconnectAccount(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const asked = { organization, account: parseRequest(account, request.account, 'account') }
      const ofPlatform = { organizationId: '', change: request.change }
      return write(calls, context, ofPlatform, DisconnectAccountResponseSchema, async db => {
        await lockAccount(db, asked.account)
        const { row, ended } = await disconnectAccount(db, asked, now())
        const entry = {
          action: 'connected_account.disconnected',
          organization: toUuid(organization),
          subjectId: row.account,
          details: { by: 'member' },
        } as const
        const deauthorize = await isToDeauthorize(db, asked, now())
        return { answer: { account: accountMessage(row), deauthorize }, entry: ended ? entry : undefined }
      })
    },
  }
}
