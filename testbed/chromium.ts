import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, makeCached } from '@fairlead/servers/cache'
import { distribution, unpackDebian } from '@fairlead/servers/debian'
import { removeOldEntries } from '@fairlead/servers/old-entries'
import { onPath, type Program, type Progress, search } from '@fairlead/servers/search'

/** The oldest that runs what the console is built for. */
const oldestUsable = [140, 0] as const

/**
 * A Chromium for tests: the machine's own, or Debian's without windows, unpacked into the cache (300 MB). That one renders as
 * the other does, and takes a quarter less of the processor: it has no tabs, profiles and extensions to look after.
 */
export function findChromium(progress: Progress = console.error): Promise<Program> {
  const debian = {
    name: 'Debian package',
    async look() {
      const release = await distribution()
      if (release === undefined) return { none: 'not Debian or Ubuntu' }
      const packages = ['chromium-headless-shell', 'fonts-dejavu-core', 'fontconfig-config']
      const folder = await makeCached(
        `chromium-headless-shell-${release}-${process.arch}`,
        into => unpackDebian(packages, into, progress),
        progress,
      )
      await removeWholeBrowsers(cacheFolder()).catch((error: Error) => {
        progress(`a Chromium that is no longer used stays in the cache: ${error.message}`)
      })
      return unpackedChromium(folder)
    },
  }
  return search(
    'Chromium',
    [onPath(['chromium-headless-shell', 'chromium', 'google-chrome'], oldestUsable), debian],
    `install Chromium ${oldestUsable[0]} or newer`,
  )
}

/** Earlier checkouts unpacked the whole browser (400 MB). */
export const removeWholeBrowsers = (folder: string): Promise<void> =>
  removeOldEntries(/^chromium-(?!headless-)[a-z]+-(rolling|[\d.]+)-\w+$/, 0, folder)

/** `usr/bin/chromium-headless-shell` of the package is a script that looks for things at the system's own places. */
async function unpackedChromium(folder: string): Promise<Program> {
  const libraries = join(folder, 'usr', 'lib')
  const multiarch = (await readdir(libraries)).filter(name => name.includes('-linux-'))
  const folders = multiarch.flatMap(name => [join(libraries, name), join(libraries, name, 'pulseaudio')])
  return {
    path: join(libraries, 'chromium', 'chromium-headless-shell'),
    env: {
      LD_LIBRARY_PATH: folders.join(':'),
      FONTCONFIG_SYSROOT: folder,
    },
  }
}
