// Fills Node's compile cache before the first start. Plain JavaScript for the same reason as install.mjs.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nodePath } from './install.mjs'

/** A slow machine takes as long for it. A start goes on without it. Ms. */
const longestMs = 60_000

/**
 * Compiles all modules in a process that then ends, unless there is a cache. A process that meets a module which is not
 * in the cache loads Node's parser of types, and keeps its memory for as long as it lives: Fairlead has three of them. Loading from the
 * cache takes each of them less time, too. Never rejects: whatever goes wrong, Fairlead only takes more memory.
 * @param {string} folder
 */
export async function fillCache(folder) {
  if (existsSync(folder)) return
  try {
    mkdirSync(folder, { recursive: true })
  } catch {
    // Nothing can be kept here: Node goes on without a cache.
    return
  }
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(nodePath, [main, '--load-only'], {
    stdio: 'ignore',
    env: { ...process.env, NODE_COMPILE_CACHE: folder },
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), longestMs)
  await new Promise(resolve => {
    child.once('error', resolve)
    child.once('exit', resolve)
  })
  clearTimeout(timer)
}
