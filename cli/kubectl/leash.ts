import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * `node leash.ts PROGRAM ARGUMENT…`: runs a program for no longer than whoever started this lives. The leash is standard
 * input, a pipe that nobody writes to: it ends with the process that holds its other end, also where that is killed and
 * can end nothing itself. Signals go on to the program; its exit code is this one's.
 */
const [program = '', ...args] = process.argv.slice(2)
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
child.once('error', error => {
  console.error(`error: ${error.message}`)
  process.exit(1)
})
child.once('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
process.stdin.once('close', () => child.kill()).resume()
