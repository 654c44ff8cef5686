// Installs the dependencies when they are missing or other than package-lock.json says. Plain JavaScript with nothing
// but Node's own modules, for Node 18 and newer: it runs before anything is installed, under whatever Node is there.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** The Node that everything of ours runs on: npm's package `node`, whatever the machine's own is. */
export const nodePath = join(root, 'node_modules', 'node', 'bin', 'node')

/** A failure that a person can do something about; its message is one line. */
export class InstallError extends Error {}

/**
 * What is installed: `run` is all that Fairlead runs on (400 MB), `all` has the tools and providers' packages of the
 * tests too (900 MB). Whoever has all can run.
 * @typedef {'run' | 'all'} Extent
 */

/**
 * Makes node_modules fit the lockfile; answers at once when it does.
 * @param {(line: string) => void} progress
 * @param {Extent} extent
 * @throws {InstallError}
 */
export async function install(progress, extent) {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 18) {
    throw new InstallError(
      `Node ${process.versions.node} is too old: install Node 18 or newer (https://nodejs.org)`,
    )
  }
  const reason = whatIsWrong(root, extent)
  if (reason === undefined) return
  progress(`installing dependencies (${reason}); this takes about half a minute`)
  const started = Date.now()
  const ticking = setInterval(() => {
    progress(`still installing, ${Math.round((Date.now() - started) / 1000)} s`)
  }, 15_000)
  try {
    await npmCi(extent)
  } finally {
    clearInterval(ticking)
  }
  const stillWrong = whatIsWrong(root, extent)
  if (stillWrong !== undefined) {
    throw new InstallError(
      `npm ci ended, but ${stillWrong}: if npm is set to ignore scripts, run "npm rebuild --ignore-scripts=false"`,
    )
  }
  progress(`dependencies installed in ${Math.round((Date.now() - started) / 1000)} s`)
}

/**
 * Why node_modules doesn't fit the lockfile; undefined if it does. npm writes what it has installed to
 * node_modules/.package-lock.json as its last step, so a broken-off installation shows too, and `npm install` counts as
 * much as `npm ci`. What is optional may be missing: it is for other platforms.
 * @param {string} folder
 * @param {Extent} extent
 * @returns {string | undefined}
 */
export function whatIsWrong(folder, extent) {
  const modules = join(folder, 'node_modules')
  if (!existsSync(modules)) return 'node_modules is missing'
  const wanted = readPackages(join(folder, 'package-lock.json'))
  const present = readPackages(join(modules, '.package-lock.json'))
  if (!wanted) return 'package-lock.json is missing'
  if (!present) return 'node_modules is not complete'
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || entry.optional || entry.devOptional) continue
    if (entry.dev && extent === 'run') continue
    const found = present[path]
    const name = path.slice('node_modules/'.length)
    if (!found || !existsSync(join(folder, path))) return `${name} is missing`
    if (found.version !== entry.version || found.integrity !== entry.integrity) return `${name} has changed`
  }
  try {
    execFileSync(join(modules, 'node', 'bin', 'node'), ['--version'], { stdio: 'ignore' })
  } catch {
    return 'the node package does not run on this machine'
  }
  return undefined
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, dev?: boolean, devOptional?: boolean }> | undefined}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

/**
 * @param {Extent} extent
 * @returns {Promise<void>}
 */
function npmCi(extent) {
  // npm replaces node_modules, and with it the Node there: use the machine's own.
  const inModules = `${sep}node_modules${sep}.bin`
  const path = (process.env.PATH ?? '').split(delimiter).filter(folder => !folder.endsWith(inModules))
  const omit = extent === 'run' ? ['--omit=dev'] : []
  const npm = spawn('npm', ['ci', ...omit, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', chunk => (output += chunk))
  return new Promise((resolve, reject) => {
    npm.once('error', error => {
      const missing = /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT'
      reject(
        new InstallError(
          missing ? 'npm is not on the PATH: install it with Node (https://nodejs.org)' : error.message,
        ),
      )
    })
    npm.once('close', code => (code === 0 ? resolve() : reject(new InstallError(explain(output, root)))))
  })
}

/**
 * One line from what npm printed when it failed.
 * @param {string} output
 * @param {string} folder
 */
export function explain(output, folder) {
  if (/\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/.test(output)) {
    return 'npm cannot reach its registry: check the network or the proxy, then start again'
  }
  if (/\bENOSPC\b/.test(output)) return `no space left on the disk of ${folder}: make room, then start again`
  if (/\b(EACCES|EPERM|EROFS)\b/.test(output)) return `npm may not write in ${folder}: check who owns it`
  if (/can only install packages when your package\.json and package-lock\.json/.test(output)) {
    return 'package.json and package-lock.json do not fit together: run "npm install" once'
  }
  const file = join(mkdtempSync(join(tmpdir(), 'fairlead-install-')), 'npm.log')
  writeFileSync(file, output)
  return `npm ci failed, see ${file}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install(console.log, 'all').catch(error => {
    console.error(error instanceof InstallError ? error.message : error)
    process.exitCode = 1
  })
}
