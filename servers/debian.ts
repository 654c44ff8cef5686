import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached, makeCached } from './cache.ts'
import type { Place, Program, Progress } from './search.ts'

const run = promisify(execFile)

/**
 * A program from a Debian or Ubuntu package, unpacked into the cache and run from there: nothing is installed, no
 * service is started, and no root is needed. Apt checks what it downloads against the distribution's signed lists;
 * those lists are kept in the cache as well, so the system's own stay as they are.
 */
export function debianPackage(packageName: string, program: string, progress: Progress): Place {
  return {
    name: 'Debian package',
    async look() {
      const release = await distribution()
      if (release === undefined) return { none: 'not Debian or Ubuntu' }
      const entry = `${packageName}-${release}-${process.arch}`
      try {
        const have = await cached(entry)
        return programIn(
          have ?? (await makeCached(entry, into => unpackDebian([packageName], into, progress), progress)),
          program,
        )
      } catch (error) {
        const { stderr = '' } = error as { stderr?: string }
        return { none: stderr.trim().split('\n').at(-1) || String(error) }
      }
    },
  }
}

/** `debian-12` or the like, where apt and dpkg are. */
export async function distribution(): Promise<string | undefined> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const field = (key: string) => new RegExp(`^${key}="?([^"\n]+)"?$`, 'm').exec(release)?.[1]
  const hasTools = await run('apt-get', ['--version']).then(
    () => true,
    () => false,
  )
  const id = field('ID')
  return hasTools && id ? `${id}-${field('VERSION_ID') ?? 'rolling'}` : undefined
}

/** Downloads packages, and those they depend on that this system lacks, and unpacks them into a folder. */
export async function unpackDebian(
  wanted: readonly string[],
  folder: string,
  progress: Progress,
): Promise<void> {
  progress(`fetching ${wanted.join(', ')} from the distribution's packages`)
  const apt = join(folder, 'apt')
  const packages = join(folder, 'packages')
  await mkdir(join(apt, 'lists', 'partial'), { recursive: true })
  await mkdir(join(apt, 'cache', 'archives', 'partial'), { recursive: true })
  await mkdir(packages)
  const options = [
    '-qq',
    `-oDir::State::lists=${join(apt, 'lists')}`,
    `-oDir::Cache=${join(apt, 'cache')}`,
    '-oAPT::Sandbox::User=root',
    '-oAPT::Update::Post-Invoke::=',
    '-oAcquire::Retries=3',
  ]
  const env = { ...process.env, LC_ALL: 'C' }
  await run('apt-get', [...options, 'update'], { env, timeout: 120_000 })
  // A simulated installation lists the packages and those of their dependencies that this system lacks.
  const plan = await run('apt-get', [...options, '-s', 'install', '--no-install-recommends', ...wanted], {
    env,
  })
  const lacking = [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map(match => match[1]!)
  await run('apt-get', [...options, 'download', ...new Set([...wanted, ...lacking])], {
    env,
    cwd: packages,
    // A hundred megabytes over a slow line; apt itself gives up a line that is still for 30 s.
    timeout: 600_000,
  })
  for (const file of await readdir(packages)) await run('dpkg', ['-x', join(packages, file), folder])
  await rm(apt, { recursive: true })
  await rm(packages, { recursive: true })
}

async function programIn(folder: string, program: string): Promise<Program> {
  const libraries = join(folder, 'usr', 'lib')
  const multiarch = (await readdir(libraries))
    .filter(name => name.includes('-linux-'))
    .map(name => join(libraries, name))
  return { path: join(folder, 'usr', 'bin', program), env: { LD_LIBRARY_PATH: multiarch.join(':') } }
}
