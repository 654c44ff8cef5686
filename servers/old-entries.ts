import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFile, readHolder, removeLeftovers, thisProcess, tryLock } from './cache.ts'

/** A file in an entry for each process that uses it, with its pid and command line as a lock has them. */
const markPrefix = 'used-by-'

/**
 * Says that this process uses an entry of the cache until it ends: `removeOldEntries` leaves it alone meanwhile.
 * @returns false where the entry is gone, because another process removed it a moment ago
 */
export async function markUsed(entry: string): Promise<boolean> {
  await using _lock = await lockFile(entry, () => {})
  if ((await usedAtMs(entry)) === undefined) return false
  for (const mark of await marksOf(entry)) if (!(await isHeld(mark))) await rm(mark, { force: true })
  await writeFile(join(entry, `${markPrefix}${process.pid}`), await thisProcess())
  await utimes(entry, new Date(), new Date())
  return true
}

/**
 * Removes old versions of a thing from the cache, with what killed processes left of them halfway. Never one that a running
 * process uses or makes.
 * @param isVersion matches the names of the thing's entries
 * @param keep how many entries stay in any case: those that were used last
 */
export async function removeOldEntries(isVersion: RegExp, keep: number, folder: string): Promise<void> {
  const found = (await readdir(folder)).map(name => name.replace(/\.(partial-.*|lock)$/, ''))
  const names = [...new Set(found)].filter(name => isVersion.test(name))
  const versions = await Promise.all(
    names.map(async name => ({ name, usedMs: (await usedAtMs(join(folder, name))) ?? 0 })),
  )
  for (const { name } of versions.toSorted((a, b) => b.usedMs - a.usedMs).slice(keep)) {
    await removeUnused(folder, name)
  }
}

async function removeUnused(folder: string, name: string): Promise<void> {
  const entry = join(folder, name)
  if ((await tryLock(`${entry}.lock`)) !== undefined) return
  try {
    for (const mark of await marksOf(entry)) if (await isHeld(mark)) return
    // An entry that is there is complete, also when this process is killed here.
    await rename(entry, `${entry}.partial-${randomUUID()}`).catch(() => {})
    await removeLeftovers(folder, name)
  } finally {
    await rm(`${entry}.lock`, { force: true })
  }
}

async function marksOf(entry: string): Promise<string[]> {
  const found = await readdir(entry).catch(() => [])
  return found.filter(name => name.startsWith(markPrefix)).map(name => join(entry, name))
}

async function isHeld(mark: string): Promise<boolean> {
  const holder = await readHolder(mark)
  return typeof holder === 'number' || holder === 'unwritten'
}

/** When an entry was made or used last; undefined where it isn't there. */
const usedAtMs = (entry: string): Promise<number | undefined> =>
  stat(entry).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  )
