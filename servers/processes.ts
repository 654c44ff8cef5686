import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { type EventEmitter, once } from 'node:events'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isExecutable } from './search.ts'
import { StartError } from './start-error.ts'

/**
 * A server as a child process: its output goes to a log file, its pid to a pid file, and it never outlives us.
 *
 * - In a session of its own, so that Ctrl-C in a terminal reaches only Fairlead, which then stops its servers last.
 * - When Fairlead is killed, Linux kills the child (`setpriv --pdeathsig`). Elsewhere the next start finds it by its pid
 *   file and stops it: see `stopLeftover`.
 */
export interface Child extends AsyncDisposable {
  readonly pid: number
  /** Settles when the process has ended, however. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Asks it to stop, and kills it after `graceMs`. Answers when it is gone. */
  stop(): Promise<void>
  /** Ends it as a crash would. Answers when it is gone. */
  kill9(): Promise<void>
  /** What it has logged since it was started. */
  output(): Promise<string>
}

/** A started server: where it answers, and the process. */
export interface Server extends Child {
  readonly url: string
  readonly port: number
}

export interface ChildOptions {
  /** Names the log file and the pid file. */
  readonly name: string
  /** Where `logs/` and `run/` are. */
  readonly home: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Asks for an orderly end; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** What Linux sends when we are gone; default SIGKILL. */
  readonly orphanSignal?: NodeJS.Signals
  /** How long an orderly end may take, in ms; default 10,000. */
  readonly graceMs?: number
  /** Flags for setpriv that give up privileges; Linux only. */
  readonly privileges?: readonly string[]
}

/** Starts a child. @throws the spawn error if the program can't be run. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, home, stopSignal = 'SIGTERM', orphanSignal = 'SIGKILL', graceMs = 10_000 } = options
  await mkdir(join(home, 'logs'), { recursive: true })
  await mkdir(join(home, 'run'), { recursive: true })
  await stopLeftover(pidFile(home, name), stopSignal, graceMs)

  const setpriv = await setprivPath()
  const prefix = setpriv
    ? [setpriv, '--pdeathsig', orphanSignal.slice(3), ...(options.privileges ?? []), '--']
    : []
  const [command, ...args] = [...prefix, options.command, ...options.args] as [string, ...string[]]
  const log = await open(logFile(home, name), 'a')
  const logStart = (await log.stat()).size
  try {
    const child = spawn(command, args, {
      cwd: options.cwd ?? home,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    })
    await once(child, 'spawn')
    const pid = child.pid!
    const exited = new Promise<Awaited<Child['exited']>>(resolve => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    await writeFile(pidFile(home, name), `${pid}\n${home}\n`)
    const end = async (signal: NodeJS.Signals) => {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
      await rm(pidFile(home, name), { force: true })
    }
    return {
      pid,
      exited,
      stop: () => end(stopSignal),
      kill9: () => end('SIGKILL'),
      output: async () => (await readFile(logFile(home, name))).subarray(logStart).toString(),
      [Symbol.asyncDispose]: () => end(stopSignal),
    }
  } finally {
    await log.close()
  }
}

/**
 * Waits until `isReady` says so. The server's own log is what explains a failure: it is searched for a taken port
 * and a full disk.
 * @throws StartError `port_taken`, `disk_full`, `data_in_use` or `server_failed`
 */
export async function untilReady(
  child: Child,
  options: { name: string; home: string; port: number; portKey?: string; deadlineMs: number },
  isReady: () => Promise<boolean>,
): Promise<void> {
  const { name, home, port, deadlineMs } = options
  const startedMs = performance.now()
  const deadline = startedMs + deadlineMs
  const gone = child.exited.then(() => 'gone' as const)
  for (;;) {
    const state = await Promise.race([gone, isReady().catch(() => false)])
    if (state === true) return
    if (state === 'gone') break
    if (performance.now() > deadline) {
      await child.kill9()
      throw new StartError(
        'server_failed',
        `${name} isn't ready after ${deadlineMs / 1000} s: see ${logFile(home, name)}`,
      )
    }
    // To ask costs the starting server a connection: the longer the start takes, the less often.
    await delay(Math.min(Math.max((performance.now() - startedMs) / 10, 15), 100))
  }
  await rm(pidFile(home, name), { force: true })
  const output = await child.output()
  if (/address already in use/i.test(output)) {
    const cure = options.portKey ? `set ${options.portKey} to a free port` : 'choose another port'
    throw new StartError('port_taken', `port ${port} for ${name} is taken: ${cure}, or stop what uses it`)
  }
  if (/no space left on device/i.test(output)) {
    throw new StartError('disk_full', `no space left on the disk of ${home}: make room and start again`)
  }
  // PostgreSQL's word for processes of a killed server that have not ended yet.
  if (/shared memory block .* is still in use/i.test(output)) {
    throw new StartError(
      'data_in_use',
      `${name}: processes of an earlier one still use ${home}: end them, or wait until they have ended`,
    )
  }
  const last = output.trim().split('\n').at(-1) ?? ''
  throw new StartError('server_failed', `${name} ended at its start (${last}): see ${logFile(home, name)}`)
}

/**
 * Starts a server on `port`, or for 0 on a free one. Between asking for a free port and using it someone else may take
 * it: then another one is tried.
 */
export async function onPort<T>(port: number, start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(port === 0 ? await freePort() : port)
    } catch (error) {
      const again = port === 0 && attempt < 5 && error instanceof StartError && error.code === 'port_taken'
      if (!again) throw error
    }
  }
}

/** How long a free port is kept from others that ask for one, ms: by then it is listened on. */
const reservationMs = 60_000

/**
 * A loopback port that nobody uses or was given in the last minute, and that the system gives to no outgoing
 * connection: those come from 32768 up (Linux' ip_local_port_range), and one of them may have taken the port before
 * it is listened on. Reserved by a UDP socket of the same number: that holds between processes, and ends with ours.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000)
    const reservation = createSocket('udp4')
    if (!(await binds(reservation, () => reservation.bind(port, '127.0.0.1')))) continue
    const server = createServer()
    if (!(await binds(server, () => server.listen(port, '127.0.0.1')))) {
      reservation.close()
      continue
    }
    server.close()
    await once(server, 'close')
    reservation.unref()
    setTimeout(() => reservation.close(), reservationMs).unref()
    return port
  }
}

/** Whether what `start` begins ends in `listening`. */
async function binds(emitter: EventEmitter, start: () => void): Promise<boolean> {
  const listening = once(emitter, 'listening').then(
    () => true,
    () => false,
  )
  start()
  return await listening
}

/**
 * Stops what a killed Fairlead left running. A pid alone proves nothing, it may be anyone's by now: the process counts
 * as ours only if its command line names our home.
 */
async function stopLeftover(path: string, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const [pidLine, home] = (await readFile(path, 'utf8').catch(() => '')).split('\n')
  const pid = Number(pidLine)
  if (!Number.isSafeInteger(pid) || pid <= 1 || !home) return
  const isOurs = async () => (await commandOf(pid))?.includes(home) ?? false
  const deadline = performance.now() + graceMs
  if (await isOurs()) signalIfThere(pid, signal)
  while (await isOurs()) {
    if (performance.now() > deadline) signalIfThere(pid, 'SIGKILL')
    await delay(20)
  }
  await rm(path, { force: true })
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The command line of a running process; undefined when there is none (a zombie has none either). */
export async function commandOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      return line.replaceAll('\0', ' ').trim() || undefined
    }
    const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)])
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}

/** util-linux's setpriv, where there is one. Busybox has a program of that name without `--pdeathsig`. */
async function setprivPath(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  for (const path of ['/usr/bin/setpriv', '/bin/setpriv']) {
    if (!(await isExecutable(path))) continue
    const works = await promisify(execFile)(path, ['--pdeathsig', 'KILL', '--', 'true']).then(
      () => true,
      () => false,
    )
    if (works) return path
  }
  return undefined
}

export function logFile(home: string, name: string): string {
  return join(home, 'logs', `${name}.log`)
}

export function pidFile(home: string, name: string): string {
  return join(home, 'run', `${name}.pid`)
}
