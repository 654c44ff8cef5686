// `npm start`: installs what is missing, then runs main.ts on the project's own Node. With `-- --watch` it starts again
// whenever a file that it has loaded changes. Plain JavaScript for the same reason as install.mjs.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fillCache } from './fill-cache.mjs'
import { InstallError, install, nodePath, root } from './install.mjs'

try {
  await install(console.log, 'run')
} catch (error) {
  console.error(error instanceof InstallError ? error.message : error)
  process.exit(1)
}

// Saves a third of the CPU that loading takes: https://nodejs.org/api/module.html#module-compile-cache
const cache = process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'node')
await fillCache(cache, console.log)

const main = fileURLToPath(new URL('main.ts', import.meta.url))
// By the IPC channel main.ts notices when this process is killed, and stops too.
const watching = process.argv.includes('--watch') ? ['--watch', '--watch-preserve-output'] : []
const child = spawn(nodePath, [...watching, main], {
  // A session of its own: Linux shares processors between sessions first (sched(7)). Signals are passed on to it.
  detached: true,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  env: { ...process.env, NODE_COMPILE_CACHE: cache },
})
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => child.kill(signal))
child.once('error', error => {
  console.error(`cannot run ${nodePath}: ${error.message}`)
  process.exitCode = 1
})
child.once('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
})
