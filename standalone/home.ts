import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock } from '@fairlead/servers/cache'
import { StartError } from '@fairlead/servers/start-error'

/** With less free, in bytes, a first start can't finish: PostgreSQL alone takes 80 MB when it is new. */
const leastFreeBytes = 256 * 1024 ** 2

/**
 * Opens the folder that keeps everything, for one process at a time. A lock whose owner was killed is taken over.
 * @throws StartError `home_locked`, `home_unusable` or `disk_full`
 */
export async function openHome(home: string): Promise<AsyncDisposable> {
  try {
    await mkdir(join(home, 'logs'), { recursive: true })
    await closeToOthers(home)
  } catch (cause) {
    throw new StartError('home_unusable', `can't make ${home}: set FAIRLEAD_HOME to a folder of yours`, {
      cause,
    })
  }
  const { bavail, bsize } = await statfs(home)
  refuseFullDisk(home, bavail * bsize)
  const lock = join(home, 'lock')
  const owner = await tryLock(lock)
  if (owner !== undefined) {
    throw new StartError(
      'home_locked',
      `another Fairlead (pid ${owner}) runs on ${home}: stop it, or set FAIRLEAD_HOME to another folder`,
    )
  }
  return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) }
}

/**
 * Closes the folder to other users of this machine, also where an older Fairlead made it. Later files are closed by the
 * umask of `main.ts`. Root's PostgreSQL runs as another user, who may pass through the folder and not list it.
 */
async function closeToOthers(home: string): Promise<void> {
  await chmod(home, process.getuid?.() === 0 ? 0o711 : 0o700)
  for (const entry of await readdir(home, { withFileTypes: true })) {
    if (entry.isDirectory()) await chmod(join(home, entry.name), 0o700)
    else if (entry.isFile()) await chmod(join(home, entry.name), 0o600)
  }
}

/** @throws StartError `disk_full` */
export function refuseFullDisk(home: string, freeBytes: number): void {
  if (freeBytes >= leastFreeBytes) return
  const [free, least] = [freeBytes, leastFreeBytes].map(bytes => Math.floor(bytes / 1024 ** 2))
  throw new StartError(
    'disk_full',
    `the disk of ${home} has ${free} MiB left, ${least} are needed: make room, or set FAIRLEAD_HOME to another disk`,
  )
}

/** Keys as `id:base64 of 32 bytes`: made at the first start, mode 600. */
export function keptKeys(home: string, name: 'encryption-keys' | 'sign-in-keys'): Promise<string> {
  return keptSecret(join(home, name), async () => `k1:${randomBytes(32).toString('base64')}`)
}

/** A password of 192 random bits, made at the first start, mode 600. */
export function keptPassword(home: string, name: string): Promise<string> {
  return keptSecret(join(home, name), async () => randomBytes(24).toString('base64url'))
}

/** Reads a one-line secret, or makes it and keeps it with mode 600, whole or not at all. */
export async function keptSecret(path: string, make: () => Promise<string>): Promise<string> {
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim()
  if (kept) return kept
  const made = await make()
  await writeSecret(path, made)
  return made
}

async function writeSecret(path: string, secret: string): Promise<void> {
  const partial = `${path}.partial`
  await rm(partial, { force: true })
  const file = await open(partial, 'wx', 0o600)
  try {
    await file.writeFile(`${secret}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partial, path)
}
