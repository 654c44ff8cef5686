import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { commandOf } from './processes.ts'
import type { Progress } from './search.ts'

/**
 * Programs that were fetched or built, shared by all of a user's checkouts: `$XDG_CACHE_HOME/fairlead`, by default
 * `~/.cache/fairlead`. An entry is a folder whose name says what it holds and which version. It is made under a
 * temporary name and renamed when it is whole, so a folder that is there is complete, whatever was killed meanwhile.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead')
}

/** The folder of an entry if it is there. */
export async function cached(name: string, folder = cacheFolder()): Promise<string | undefined> {
  const entry = join(folder, name)
  return (await exists(entry)) ? entry : undefined
}

/** How often a long step says that it is still at it, ms. */
const progressMs = 15_000

/**
 * Makes a cache entry once, also when several processes want it at the same time: one makes it, the others wait.
 * `make` gets an empty folder to fill; if it throws, nothing is left.
 */
export async function makeCached(
  name: string,
  make: (folder: string) => Promise<void>,
  progress: Progress,
  folder = cacheFolder(),
): Promise<string> {
  const entry = join(folder, name)
  if (await exists(entry)) return entry
  await mkdir(folder, { recursive: true })
  await using _lock = await lockFile(entry, () => progress(`waiting for another process that gets ${name}`))
  if (await exists(entry)) return entry
  await removeLeftovers(folder, name)
  const partial = `${entry}.partial-${randomUUID()}`
  await mkdir(partial)
  const startedMs = performance.now()
  const seconds = () => Math.round((performance.now() - startedMs) / 1000)
  const ticking = setInterval(() => progress(`still getting ${name}, ${seconds()} s`), progressMs)
  try {
    await make(partial)
    await rename(partial, entry)
    if (seconds() * 1000 > progressMs) progress(`got ${name} in ${seconds()} s`)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  } finally {
    clearInterval(ticking)
  }
  return entry
}

/** Removes what killed processes left halfway. Best effort: a child of such a process may still be writing there. */
export async function removeLeftovers(folder: string, name: string): Promise<void> {
  const left = (await readdir(folder)).filter(found => found.startsWith(`${name}.partial`))
  await Promise.allSettled(left.map(found => rm(join(folder, found), { recursive: true, force: true })))
}

/** Waits for the lock file beside an entry and holds it until disposed. One whose owner was killed is taken over. */
export async function lockFile(entry: string, onWait: () => void): Promise<AsyncDisposable> {
  const path = `${entry}.lock`
  for (let waited = false; ; ) {
    const owner = await tryLock(path)
    if (owner === undefined) return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    if (!waited) onWait()
    waited = true
    await delay(250)
  }
}

/**
 * Takes a lock file, or answers with the pid of the process that has it. The file holds its owner's pid and command
 * line: a pid that is gone, or is another program's by now, doesn't count.
 */
export async function tryLock(path: string): Promise<number | undefined> {
  const content = await thisProcess()
  for (;;) {
    try {
      await using file = await open(path, 'wx', 0o600)
      await file.writeFile(content)
      return undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = await readHolder(path)
    if (typeof holder === 'number') return holder
    if (holder === 'nobody') await removeAbandoned(path)
    else if (holder === 'unwritten') await delay(20)
  }
}

/**
 * Removes a lock whose holder is gone. Only one process at a time does that, and looks again first: else of two processes
 * that both saw the old lock, the slower would remove the new lock of the faster.
 */
async function removeAbandoned(path: string): Promise<void> {
  const guard = `${path}.removing`
  try {
    await (await open(guard, 'wx', 0o600)).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    // It is held for some reads only, unless its maker was killed there.
    if (await isYoungerThan(guard, 5_000)) await delay(20)
    else await rm(guard, { force: true })
    return
  }
  try {
    if ((await readHolder(path)) === 'nobody') await rm(path, { force: true })
  } finally {
    await rm(guard, { force: true })
  }
}

/** What a file says of the process that wrote it: `readHolder` tells whether it still runs. */
export const thisProcess = async (): Promise<string> =>
  JSON.stringify({ pid: process.pid, command: await commandOf(process.pid) })

/** Who holds a lock file: a pid that runs; or what else there is to see. */
export async function readHolder(path: string): Promise<number | 'nobody' | 'unwritten' | 'no lock'> {
  let owner: { readonly pid: number; readonly command: string | undefined }
  try {
    owner = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no lock'
    // Its maker is between two system calls, or was killed there.
    return (await isYoungerThan(path, 5_000)) ? 'unwritten' : 'nobody'
  }
  return (await commandOf(owner.pid)) === owner.command ? owner.pid : 'nobody'
}

async function isYoungerThan(path: string, ms: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs < ms
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
