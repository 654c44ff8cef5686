// Fills Node's compile cache before the first start. Plain JavaScript for the same reason as install.mjs.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodePath } from './install.mjs'

/** Given up after so long, ms; the start then goes on without a cache. */
const longestMs = 60_000

/** In the folder of the cache once it is filled: a fill that was broken off leaves a folder, too. */
const markerName = 'fairlead-filled'

/**
 * Compiles the modules that a start loads, in a process that then ends, unless it was done before. A process that meets a module which
 * is not in the cache loads Node's parser of types, and keeps its memory for as long as it lives: Fairlead has three of them. Loading from
 * the cache takes each of them less time, too. Never rejects: whatever goes wrong, Fairlead only takes more memory.
 * @param {string} folder
 * @param {(line: string) => void} progress
 * @param {number} timeoutMs given up after so long; default 60,000
 */
export async function fillCache(folder, progress, timeoutMs = longestMs) {
  const marker = join(folder, markerName)
  if (existsSync(marker)) return
  try {
    mkdirSync(folder, { recursive: true })
  } catch {
    // Nothing can be kept here: Node goes on without a cache.
    return
  }
  progress('compiling modules; this takes some seconds, once')
  if (await loadModules(folder, timeoutMs)) keep(marker)
}

/**
 * Whether a process has loaded them all. Ctrl-C and other signals to this process end both.
 * @param {string} cache
 * @param {number} timeoutMs
 * @returns {Promise<boolean>}
 */
async function loadModules(cache, timeoutMs) {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
  /** @param {typeof signals[number]} signal */
  const stop = signal => {
    // The modules of a part that it has loaded take no notice of other signals.
    child.kill('SIGKILL')
    process.exit(128 + constants.signals[signal])
  }
  for (const signal of signals) process.on(signal, stop)
  const child = spawn(nodePath, [main, '--load-only'], {
    stdio: 'ignore',
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const code = await new Promise(resolve => {
    child.once('error', () => resolve(null))
    child.once('exit', resolve)
  })
  clearTimeout(timer)
  for (const signal of signals) process.off(signal, stop)
  return code === 0
}

/** @param {string} marker */
function keep(marker) {
  try {
    writeFileSync(marker, '')
  } catch {
    // The next start asks again.
  }
}
