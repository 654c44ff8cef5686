import { join } from 'node:path'
import { makeCached } from '@fairlead/servers/cache'
import { distribution, unpackDebian } from '@fairlead/servers/debian'
import type { Progress } from '@fairlead/servers/search'

export interface Valgrind {
  readonly program: string
  /** What it has to find in its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** valgrind (GPL-2, run as a program of its own), unpacked into the cache from Debian's package. */
export async function findValgrind(progress: Progress = console.error): Promise<Valgrind> {
  const release = await distribution()
  if (release === undefined)
    throw new Error('valgrind comes from a Debian package: this system has no apt-get')
  const folder = await makeCached(
    `valgrind-${release}-${process.arch}`,
    into => unpackDebian(['valgrind'], into, progress),
    progress,
  )
  return {
    program: join(folder, 'usr/bin/valgrind.bin'),
    env: { VALGRIND_LIB: join(folder, 'usr/libexec/valgrind') },
  }
}
