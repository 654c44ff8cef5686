import { once } from 'node:events'
import { connectRedis } from '../../redis.ts'
import { issuePrinted } from './tickets.ts'

/**
 * Makes the link by which the owner of this machine signs in without a mail: good for 15 minutes, once, answered on loopback
 * alone, and only after its page's button is pressed.
 */
export async function makePrintedLink(redisUrl: string, consoleUrl: string, email: string): Promise<string> {
  const redis = connectRedis(redisUrl)
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(10_000) })
    const link = new URL('/auth/printed', consoleUrl)
    // In the fragment: what opens the link sends it to nobody.
    link.hash = `token=${await issuePrinted(redis, email, Date.now())}`
    return link.href
  } finally {
    redis.disconnect()
  }
}
