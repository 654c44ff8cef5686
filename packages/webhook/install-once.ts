import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * For tests of what is too heavy to be everybody's dependency: packages from npm, kept in ~/.cache/fairlead
 * (XDG_CACHE_HOME is heeded). Under a temporary name until it is whole: two runs at once both make it, and the first
 * one's stays.
 *
 * @param entry the folder's name in the cache: another list needs another name
 * @param packages `name@version`, exact, so that a run tomorrow is the same run
 * @returns the folder that holds `node_modules`
 * @throws what npm says, where the packages can't be fetched
 */
export async function installOnce(
  entry: string,
  packages: readonly string[],
  options: { readonly runScripts: boolean },
): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead')
  const folder = join(cache, entry)
  if (await isThere(folder)) return folder
  await mkdir(cache, { recursive: true })
  const partial = await mkdtemp(join(cache, 'partial-'))
  try {
    const allowScripts = Object.fromEntries(packages.map(each => [each, true]))
    await writeFile(
      join(partial, 'package.json'),
      JSON.stringify({ private: true, ...(options.runScripts && { allowScripts }) }),
    )
    const flags = options.runScripts ? [] : ['--ignore-scripts', '--omit=optional']
    await execute('npm', ['install', '--no-audit', '--no-fund', ...flags, ...packages], { cwd: partial })
    await rename(partial, folder).catch(async error => {
      if (!(await isThere(folder))) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return folder
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
