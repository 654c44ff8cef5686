import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { organizationSchema } from '../organization/schema.ts'
import { digestOfText, type Parse } from './merge.ts'
import { type ParsedFile, parseFile } from './parse.ts'
import type { FolderTexts } from './read-folder.ts'

/**
 * Files that were parsed: a file's text takes about half a millisecond, thousands of files take seconds. They are parsed
 * in slices, so that nothing else in the process waits, and kept in a file, so that the next start needs not parse them.
 */
export interface ParsedFiles {
  /** Parses texts that are not known yet. */
  prepare(texts: FolderTexts): Promise<void>
  /** As `parseFile`; at once for a text that was prepared. */
  readonly parse: Parse
  /** Writes what was parsed to the disk, if much of it is new. Never rejects. */
  keep(): Promise<void>
}

/** So long may parsing keep the process from other work, ms. */
const sliceMs = 8
/** A folder of fewer files is parsed anew as fast as it is read. */
const fewFiles = 50

interface Known {
  readonly digest: string
  readonly parsed: ParsedFile
}

/** @param path of the file for what was parsed. It holds Secrets, as the folder itself does, and gets mode 600. */
export function openParsedFiles(path: string): ParsedFiles {
  let version = ''
  let known = new Map<string, Known>()
  let isNew = false
  let isLoaded = false

  async function load(): Promise<void> {
    isLoaded = true
    version = await versionOfParser()
    const text = await readFile(path, 'utf8').catch(() => '')
    const [first, ...lines] = text.split('\n')
    if (first !== version) return
    const pause = openPause()
    for (const line of lines) {
      if (line === '') continue
      const { name, ...entry } = JSON.parse(line) as Known & { name: string }
      known.set(name, entry)
      await pause()
    }
  }

  return {
    async prepare(texts) {
      // Whatever is wrong with it: the texts are there.
      if (!isLoaded && texts.size >= fewFiles) await load().catch(() => known.clear())
      const pause = openPause()
      const next = new Map<string, Known>()
      for (const [name, read] of texts) {
        const before = known.get(name)
        if (!('text' in read)) {
          if (before) next.set(name, before)
          continue
        }
        const digest = digestOfText(read.text)
        const isKnown = before?.digest === digest
        if (!isKnown) isNew = true
        next.set(name, isKnown ? before : { digest, parsed: parseFile(name, read.text) })
        await pause()
      }
      known = next
    },
    parse(name, text, digest) {
      const found = known.get(name)
      return found?.digest === digest ? found.parsed : parseFile(name, text)
    },
    async keep() {
      if (!isNew || version === '') return
      isNew = false
      await write(path, version, known).catch(() => {
        isNew = true
      })
    },
  }
}

/** Whole or not at all. */
async function write(path: string, version: string, known: ReadonlyMap<string, Known>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const partial = `${path}.${randomUUID()}.partial`
  try {
    await using file = await open(partial, 'wx', 0o600)
    const pause = openPause()
    let lines = [version]
    for (const [name, { digest, parsed }] of known) {
      // A faulty file is parsed anew, so that its faults are told again with their lines.
      if (parsed.faults.length > 0 || parsed.notTaken.length > 0) continue
      lines.push(JSON.stringify({ name, digest, parsed }))
      if (lines.length === 200) {
        await file.write(`${lines.join('\n')}\n`)
        lines = []
      }
      await pause()
    }
    await file.write(`${lines.join('\n')}\n`)
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** Lets other work go on, where the slice is over. */
function openPause(): () => Promise<void> {
  let startedMs = performance.now()
  return async () => {
    if (performance.now() - startedMs < sliceMs) return
    await nextTurn()
    startedMs = performance.now()
  }
}

/** Names the code that made what was parsed: another version of it may refuse it, or fill in other defaults. */
async function versionOfParser(): Promise<string> {
  const hash = createHash('sha256')
  const declared = dirname(fileURLToPath(import.meta.resolve('@fairlead/wire/declared/field')))
  for (const folder of [import.meta.dirname, join(import.meta.dirname, '../organization'), declared]) {
    const names = (await readdir(folder)).filter(name => name.endsWith('.ts')).sort()
    for (const name of names) hash.update(await readFile(join(folder, name)))
  }
  // With the names of providers, which are declared elsewhere.
  hash.update(JSON.stringify(z.toJSONSchema(organizationSchema, { io: 'input', unrepresentable: 'any' })))
  return `parsed ${hash.digest('base64url')}`
}
