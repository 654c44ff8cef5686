import { chown, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StartError } from './start-error.ts'

/**
 * PostgreSQL refuses to run as root. When we are root it runs as the user `postgres`, or as `nobody` where there is no
 * such user: no account is made for it.
 */
export interface Unprivileged {
  readonly uid: number
  readonly gid: number
  /** Flags for setpriv. */
  readonly privileges: readonly string[]
}

/** Whom PostgreSQL runs as, given the folders it must reach; undefined when we aren't root. */
export async function unprivilegedUser(folders: readonly string[]): Promise<Unprivileged | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map(line => line.split(':'))
  const account = ['postgres', 'nobody'].map(name => accounts.find(([user]) => user === name)).find(Boolean)
  if (!account) {
    throw new StartError('home_unusable', 'PostgreSQL refuses to run as root: start Fairlead as another user')
  }
  const [uid, gid] = [Number(account[2]), Number(account[3])]
  const privileges = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  const closed = await firstClosed(folders)
  if (closed !== undefined) {
    // Root's own home is closed to others (mode 700), and a checkout often lies in it. One capability lets the
    // unprivileged process pass through; it gives none of root's other rights.
    const capability = await passThroughCapability()
    if (!capability) {
      throw new StartError(
        'home_unusable',
        `PostgreSQL refuses to run as root, and as another user it can't enter ${closed}: set FAIRLEAD_HOME to a folder that others may enter, or start Fairlead as another user`,
      )
    }
    privileges.push(`--inh-caps=+${capability}`, `--ambient-caps=+${capability}`)
  }
  return { uid, gid, privileges }
}

export async function giveTo(user: Unprivileged | undefined, path: string): Promise<void> {
  if (user) await chown(path, user.uid, user.gid)
}

/** The first folder on the way to one of these that others may not enter. */
async function firstClosed(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    for (let at = dirname(folder); ; at = dirname(at)) {
      if (((await stat(at)).mode & 0o001) === 0) return at
      if (at === dirname(at)) break
    }
  }
  return undefined
}

/** Containers often keep `dac_override` (bit 1) but not the smaller `dac_read_search` (bit 2): capabilities(7). */
async function passThroughCapability(): Promise<string | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  if (bounding & 0b100n) return 'dac_read_search'
  return bounding & 0b10n ? 'dac_override' : undefined
}
