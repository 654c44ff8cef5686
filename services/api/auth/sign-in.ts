import type { Redis } from 'ioredis'
import type { StaffList } from './people.ts'
import { type Cookies, openCookies } from './sessions/cookie.ts'
import { openSessions, type Sessions } from './sessions/sessions.ts'

/** All that signing people in needs; absent where the API has no Redis or no address of its own. */
export interface SignIn {
  /** Scheme, host and port under which people reach the API and the console. */
  readonly publicUrl: URL
  readonly cookies: Cookies
  readonly sessions: Sessions
  readonly staff: StaffList
}

export function openSignIn(redis: Redis, publicUrl: URL, staff: StaffList): SignIn {
  return { publicUrl, staff, cookies: openCookies(publicUrl), sessions: openSessions(redis) }
}
