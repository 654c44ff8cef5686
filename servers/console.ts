import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { cp, mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cached, cacheFolder, makeCached } from './cache.ts'
import { markUsed, removeOldEntries } from './old-entries.ts'
import type { Progress } from './search.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

/** All that the console is made of, but for its packages, whose versions package.json pins. */
const sourcePatterns = [
  'services/console/{index.html,package.json,tsconfig.json,vite.config.ts,build.ts}',
  'services/console/{app,public,gen}/**/*.*',
  'packages/client/{package.json,transport.ts,gen/client.ts}',
]

/** Where the built console is, or will be: named by the digest of its sources, so another version is another folder. */
export function consoleFolder(): string {
  return join(cacheFolder(), consoleEntry(), 'console')
}

/** Each version of the sources is built once: a developer, or an upgraded machine, soon has many. */
const keptVersions = 4
const isBuild = /^console-[0-9a-f]{16}$/
/** Packages for building: 200 MB a version, and only the newest is needed again. */
const keptPackages = 1
const arePackages = /^console-packages-[0-9a-f]{16}-\w+-\w+$/

/**
 * Builds the console into the cache unless it is there. Its folder stays for as long as this process runs; of the versions that
 * no process uses, the four that were used last stay. Takes some ten seconds; on a machine that runs Fairlead without the
 * tools for building, their packages are installed into the cache before, which takes half a minute more. At a low priority,
 * so that what serves webhooks goes first. Where the cache can be read and not written, or the disk is full, a console that is
 * built is served all the same, and `progress` says what couldn't be tidied.
 * @throws where its packages can't be had, or it doesn't build
 */
export async function buildConsole(progress: Progress): Promise<string> {
  let entry: string
  do entry = await makeBuild(progress)
  while (!(await isKept(entry, progress)))
  await removeOldVersions().catch((error: Error) => {
    progress(`old versions of the console stay in the cache: ${error.message}`)
  })
  return join(entry, 'console')
}

/** Whether an entry is there. It stays for as long as this process runs, unless the cache takes no marks. */
async function isKept(entry: string, progress: Progress): Promise<boolean> {
  try {
    return await markUsed(entry)
  } catch (error) {
    const reason = error instanceof Error ? error.message : error
    progress(`${basename(entry)} can't be marked as used in the cache: ${reason}`)
    return (await cached(basename(entry))) !== undefined
  }
}

async function removeOldVersions(): Promise<void> {
  await removeOldEntries(isBuild, keptVersions, cacheFolder())
  await removeOldEntries(arePackages, keptPackages, cacheFolder())
}

function makeBuild(progress: Progress): Promise<string> {
  return makeCached(
    consoleEntry(),
    async into => {
      if (hasPackages()) {
        await build(root, into, progress)
        return
      }
      const packages = await installPackages(progress)
      const copy = join(into, 'sources')
      for (const path of sources()) await cp(join(root, path), join(copy, path))
      await symlink(join(packages, 'node_modules'), join(copy, 'node_modules'))
      await build(copy, into, progress)
      await rm(copy, { recursive: true })
    },
    progress,
  )
}

async function build(folder: string, into: string, progress: Progress): Promise<void> {
  progress('building the console; this takes some ten seconds, once for each version')
  const running = run(process.execPath, [join(folder, 'services/console/build.ts'), join(into, 'console')])
  if (running.child.pid) setPriority(running.child.pid, 15)
  await running.catch(({ stderr, message }: { stderr?: string; message: string }) => {
    throw new Error(`the console doesn't build: ${stderr?.trim() || message}`)
  })
}

/** What `npm start` doesn't install: what building the console takes, and nothing else, by the one lockfile. */
async function installPackages(progress: Progress): Promise<string> {
  const lock = await readFile(join(root, 'package-lock.json'), 'utf8')
  const name = `console-packages-${digest([lock, ownPackage()])}-${process.platform}-${process.arch}`
  const packages = await makeCached(
    name,
    async into => {
      progress('installing what the console is built with; this takes about half a minute, once')
      for (const file of manifests) {
        await mkdir(dirname(join(into, file)), { recursive: true })
        await cp(join(root, file), join(into, file))
      }
      const only = ['--workspace=@fairlead/console', '--include=dev', '--ignore-scripts']
      await run('npm', ['ci', ...only, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: into })
    },
    progress,
  )
  return (await isKept(packages, progress)) ? packages : installPackages(progress)
}

const manifests = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'packages/client/package.json',
  'services/console/package.json',
]

const ownPackage = () => readFileSync(join(root, 'services/console/package.json'), 'utf8')

function sources(): string[] {
  return sourcePatterns.flatMap(pattern => globSync(pattern, { cwd: root })).toSorted()
}

function consoleEntry(): string {
  const paths = sources()
  return `console-${digest(paths.flatMap(path => [path, readFileSync(join(root, path), 'utf8')]))}`
}

function digest(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${text.length}\n${text}`)
  return hash.digest('hex').slice(0, 16)
}

/** Whether the checkout has them, in the exact versions of the console's package.json: a developer's has. */
function hasPackages(): boolean {
  const pinned: Readonly<Record<string, string>> = JSON.parse(ownPackage()).devDependencies
  return Object.entries(pinned).every(([name, version]) => {
    if (name.startsWith('@fairlead/')) return true
    try {
      const file = join(root, 'node_modules', name, 'package.json')
      return JSON.parse(readFileSync(file, 'utf8')).version === version
    } catch {
      return false
    }
  })
}
