import { z } from 'zod'

/** What an event of the platform's Connect source says of where it goes. */
export type ConnectEvent =
  | {
      readonly kind: 'of_account'
      readonly account: string
      /** Stripe's own id of the event. */
      readonly id: string
      readonly type: string
      readonly mode: 'live' | 'test'
      /** Seconds since 1970, by Stripe's clock. */
      readonly createdSeconds: number
      /** The account's owner has taken the platform's access away. */
      readonly isDeauthorization: boolean
    }
  /** It names no connected account: the platform's own, or none of Stripe's events. */
  | { readonly kind: 'of_nobody' }

const eventSchema = z.object({
  id: z.string().min(1).max(255),
  account: z.string().regex(/^acct_[A-Za-z0-9]{1,64}$/),
  type: z.string().min(1).max(255),
  livemode: z.boolean(),
  created: z.number().int().nonnegative().max(32_503_680_000),
})

/**
 * Reads the bytes that the source's secret has verified, and nothing else of the request: no header and no address decides whose an
 * event is. Pure.
 */
export function readConnectEvent(body: Uint8Array): ConnectEvent {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return { kind: 'of_nobody' }
  }
  const { data } = eventSchema.safeParse(json)
  if (!data) return { kind: 'of_nobody' }
  const { id, account, type, livemode, created } = data
  return {
    kind: 'of_account',
    account,
    id,
    type,
    mode: livemode ? 'live' : 'test',
    createdSeconds: created,
    isDeauthorization: type === 'account.application.deauthorized',
  }
}

/**
 * Whether a deauthorization ends a connection: an older one, that comes late, was before the connection. Stripe counts seconds; within
 * one the connection ends, since a connection too few is made again by a click. Pure.
 */
export const endsConnection = (createdSeconds: number, connectedAt: Date): boolean =>
  createdSeconds >= Math.floor(connectedAt.getTime() / 1000)
