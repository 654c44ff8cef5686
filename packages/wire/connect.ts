import {
  connect,
  createInbox,
  type NatsConnection,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'

export interface NatsConfig {
  /** `nats://host:port`, several comma-separated. May hold `user:password@` or `token@` where there is no `user`. */
  readonly url: string
  /** What the server's logs and `connz` call this connection: `receiver`, `worker` … */
  readonly name: string
  /** The user to sign in as. Replies then come to `_INBOX.<user>.>` alone, so that users can't read each other's. */
  readonly user?: string | undefined
  readonly password?: string | undefined
}

/**
 * Connects to NATS and stays connected: waits for the first server, reconnects for ever, and notices a silent
 * partition after two pings (10 s). Close with `drain()`.
 */
export async function connectNats(config: NatsConfig): Promise<NatsConnection> {
  const { name, user, password } = config
  const urls = config.url.split(',').map(url => new URL(url.trim()))
  const first = urls[0]!
  return await connect({
    servers: urls.map(url => url.host),
    name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    ...(user
      ? { authenticator: usernamePasswordAuthenticator(user, password), inboxPrefix: inboxPrefixOf(user) }
      : first.username && {
          authenticator: first.password
            ? usernamePasswordAuthenticator(
                decodeURIComponent(first.username),
                decodeURIComponent(first.password),
              )
            : tokenAuthenticator(decodeURIComponent(first.username)),
        }),
  })
}

/** Where replies to a user come; the user must be allowed to subscribe to all below it. */
export const inboxPrefixOf = (user: string): string => `_INBOX.${user}`

/** A subject for replies that this connection's user may subscribe to: one for each call. */
export function newInbox(nats: NatsConnection): string {
  // The connection knows its options; its interface leaves them out.
  const options: unknown = Reflect.get(nats, 'options')
  const prefix = options && typeof options === 'object' && Reflect.get(options, 'inboxPrefix')
  return typeof prefix === 'string' ? createInbox(prefix) : createInbox()
}
