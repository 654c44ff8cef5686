import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder's files: file name → its text, or a sentence that says why it can't be read. */
export type FolderTexts = ReadonlyMap<string, { readonly text: string } | { readonly fault: string }>

/** More than any Organization needs; keeps a file that was put there by mistake out of memory. */
export const maxFileBytes = 1024 * 1024

/**
 * Reads the `.yaml`, `.yml` and `.json` files of a folder, not of those below it. Names that begin with a dot or end
 * with `~` are passed over: editors' files, and the folders behind the links of a mounted ConfigMap.
 *
 * Rejects if the folder itself can't be read, so that a folder that isn't there is never taken for an empty one.
 */
export async function readFolder(folder: string): Promise<FolderTexts> {
  const names = (await readdir(folder)).filter(name => /^[^.].*\.(ya?ml|json)$/i.test(name)).sort()
  const texts = new Map<string, { text: string } | { fault: string }>()
  for (const name of names) {
    const read = await readText(join(folder, name))
    if (read) texts.set(name, read)
  }
  return texts
}

async function readText(path: string): Promise<{ text: string } | { fault: string } | undefined> {
  try {
    await using file = await open(path, 'r')
    const found = await file.stat()
    if (!found.isFile()) return undefined
    if (found.size > maxFileBytes) {
      return { fault: `has ${found.size} bytes, more than ${maxFileBytes}: split it into several files` }
    }
    const bytes = await file.readFile()
    if (bytes.includes(0))
      return { fault: 'is no text in UTF-8: save it as such, or take it out of the folder' }
    return { text: bytes.toString('utf8') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Gone between listing and opening; a link to nowhere is the same thing.
    if (code === 'ENOENT') return undefined
    return { fault: `can't be read: ${code}` }
  }
}
