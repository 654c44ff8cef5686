import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

export type FileText =
  | { readonly text: string }
  /** A sentence that says why it can't be read. */
  | { readonly fault: string }
  /** It is what it was when it was read last. */
  | { readonly same: true }

/** What a folder holds, by file name. */
export type FolderTexts = ReadonlyMap<string, FileText>

/** How files stood when they were read, by name: who tells of the same again need not read them. */
export type FileStamps = Map<string, string>

/** More than any Organization needs; keeps a file that was put there by mistake out of memory. */
export const maxFileBytes = 1024 * 1024

/** Files that are looked at at one time. */
const lanes = 16
/** A file that changes twice within the clock's grain has one stamp: one that has just changed gets none. Ms. */
const racyMs = 2_000

/**
 * Reads the `.yaml`, `.yml` and `.json` files of a folder, not of those below it. Names that begin with a dot or end
 * with `~` are passed over: editors' files, and the folders behind the links of a mounted ConfigMap.
 *
 * Rejects if the folder itself can't be read, so that a folder that isn't there is never taken for an empty one.
 *
 * @param stamps of what was read before, brought up to date; those that changed since are read
 * @param changed the names that may have changed; the others aren't even looked at. Default: all may
 */
export async function readFolder(
  folder: string,
  stamps: FileStamps = new Map(),
  changed?: ReadonlySet<string>,
): Promise<FolderTexts> {
  return await readFiles(folder, await listFiles(folder), stamps, changed)
}

async function readFiles(
  folder: string,
  names: readonly string[],
  stamps: FileStamps,
  changed?: ReadonlySet<string>,
): Promise<FolderTexts> {
  const texts = new Map<string, FileText | undefined>(names.map(name => [name, undefined]))
  for (const name of stamps.keys()) if (!texts.has(name)) stamps.delete(name)
  const left = names.values()
  const lane = async () => {
    for (const name of left) {
      const isKnown = stamps.has(name) && changed !== undefined && !changed.has(name)
      texts.set(name, isKnown ? { same: true } : await readText(join(folder, name), name, stamps))
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return new Map([...texts].flatMap(([name, text]) => (text ? [[name, text] as const] : [])))
}

/** The first files of a folder, by name. Rejects as `readFolder`. */
export async function readFirstFiles(folder: string, most: number): Promise<FolderTexts> {
  const names = await listFiles(folder)
  return await readFiles(folder, names.slice(0, most), new Map())
}

/** The names of the files that are read. Rejects if the folder can't be read. */
export async function listFiles(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter(name => /^[^.].*\.(ya?ml|json)$/i.test(name)).sort()
}

async function readText(path: string, name: string, stamps: FileStamps): Promise<FileText | undefined> {
  const before = stamps.get(name)
  stamps.delete(name)
  try {
    const found = await stat(path)
    if (!found.isFile()) return undefined
    if (found.size > maxFileBytes) {
      return { fault: `has ${found.size} bytes, more than ${maxFileBytes}: split it into several files` }
    }
    const stamp = [found.ino, found.size, found.mtimeMs, found.ctimeMs].join()
    const isSame = stamp === before
    const isSettled = Date.now() - Math.max(found.mtimeMs, found.ctimeMs) > racyMs
    if (isSettled) stamps.set(name, stamp)
    if (isSame && isSettled) return { same: true }
    const bytes = await readFile(path)
    if (bytes.includes(0))
      return { fault: 'is no text in UTF-8: save it as such, or take it out of the folder' }
    return { text: bytes.toString('utf8') }
  } catch (error) {
    stamps.delete(name)
    const { code } = error as NodeJS.ErrnoException
    // Gone between listing and opening; a link to nowhere is the same thing.
    if (code === 'ENOENT') return undefined
    return { fault: `can't be read: ${code}` }
  }
}
