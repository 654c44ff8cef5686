import {
  connect,
  type NatsConnection,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'

export interface NatsConfig {
  /** `nats://host:port`, several comma-separated. May hold `user:password@` or `token@`. */
  url: string
  /** What the server's logs and `connz` call this connection: `receiver`, `worker` … */
  name: string
}

/**
 * Connects to NATS and stays connected: waits for the first server, reconnects for ever, and notices a silent
 * partition after two pings (10 s). Close with `drain()`.
 */
export async function connectNats(config: NatsConfig): Promise<NatsConnection> {
  const urls = config.url.split(',').map(url => new URL(url.trim()))
  const { username, password } = urls[0]!
  return await connect({
    servers: urls.map(url => url.host),
    name: config.name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    ...(username && {
      authenticator: password
        ? usernamePasswordAuthenticator(decodeURIComponent(username), decodeURIComponent(password))
        : tokenAuthenticator(decodeURIComponent(username)),
    }),
  })
}
