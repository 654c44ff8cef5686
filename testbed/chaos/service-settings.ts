import { randomBytes } from 'node:crypto'

export type ServiceKind = 'store' | 'worker' | 'receiver' | 'api' | 'prober'

/** @param reached ports of those that it asks, by name */
export function ownSettings(
  kind: ServiceKind,
  name: string,
  port: number,
  postgresUrl: URL,
  reached: ReadonlyMap<string, number>,
): Record<string, string> {
  const storeUrl = `http://127.0.0.1:${reached.get('store')}`
  switch (kind) {
    case 'store':
      return {
        FAIRLEAD_POSTGRES_URL: postgresUrl.href,
        FAIRLEAD_STORE_PORT: String(port),
        FAIRLEAD_STORE_HOST: '127.0.0.1',
      }
    case 'worker':
      return { FAIRLEAD_WORKER_NAME: name, FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8' }
    case 'receiver':
      return { FAIRLEAD_RECEIVER_PORT: String(port), FAIRLEAD_RECEIVER_HOST: '127.0.0.1' }
    case 'api':
      return {
        FAIRLEAD_STORE_URL: storeUrl,
        FAIRLEAD_API_PORT: String(port),
        FAIRLEAD_API_HOST: '127.0.0.1',
      }
    case 'prober':
      return {
        FAIRLEAD_STORE_URL: storeUrl,
        FAIRLEAD_API_URL: `http://127.0.0.1:${reached.get('api')}`,
        FAIRLEAD_PUBLIC_URL: `http://127.0.0.1:${reached.get('receiver')}`,
        FAIRLEAD_PROBER_KEY: 'test-only-key-of-the-prober-0123456789',
        FAIRLEAD_PROBER_PORT: String(port),
        FAIRLEAD_PROBER_HOST: '127.0.0.1',
        FAIRLEAD_PROBER_SINK_URL: `http://127.0.0.1:${port}`,
        FAIRLEAD_PROBER_INTERVAL_MS: '5000',
        FAIRLEAD_PROBER_LOST_MS: '75000',
      }
    default:
      return kind satisfies never
  }
}

export const sharedSettings = (redisUrl: URL, replicas: number, eventsMaxBytes = 1024 ** 3) => ({
  FAIRLEAD_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
  FAIRLEAD_REDIS_URL: redisUrl.href,
  FAIRLEAD_STREAM_REPLICAS: String(replicas),
  FAIRLEAD_EVENTS_MAX_BYTES: String(eventsMaxBytes),
})
