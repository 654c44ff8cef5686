import { execFile, spawn } from 'node:child_process'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { startChild } from '@fairlead/servers/processes'
import { isRunning } from '../process-tree.ts'
import { until } from '../until.ts'
import type { Lab } from './lab.ts'

const scripts = resolve(import.meta.dirname, 'node')

/**
 * A node: namespaces and cgroups of this machine in which daemons run as they would on a machine of their own.
 *
 *   n1  172.30.0.1  pods 10.244.0.0/24  etcd, apiserver, controller-manager, scheduler, containerd, kubelet, proxy
 *   n2  172.30.0.2  pods 10.244.1.0/24  containerd, kubelet, proxy
 *
 * Its pid 1 dies with the process that started it, however that ends, and takes everything in the node with it.
 */
export interface ClusterNode extends AsyncDisposable {
  readonly name: string
  readonly address: string
  /** CIDR of its pods. */
  readonly pods: string
  /** The folder of its files and logs. */
  readonly folder: string
  /** Of pid 1, as this machine numbers it. */
  readonly pid: number
  /** Starts a daemon, again with the command of the last time unless given. @throws with its last lines if it ends at once */
  start(daemon: string, command?: readonly string[], env?: Readonly<Record<string, string>>): Promise<void>
  /** Signals a daemon and answers when it is gone; default SIGTERM. */
  stop(daemon: string, signal?: NodeJS.Signals): Promise<void>
  /** Runs a command inside the node, in all of its namespaces. */
  exec(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>
  /** What runs a program of this machine in the node's network, with the cluster's DNS: put it before the command. */
  readonly inNetwork: readonly string[]
  /** What a daemon has logged. */
  log(daemon: string): Promise<string>
}

export async function startNode(lab: Lab, number: 1 | 2): Promise<ClusterNode> {
  await using cleanup = new AsyncDisposableStack()
  const name = `n${number}`
  const folder = join(lab.path, name)
  await mkdir(join(folder, 'log'), { recursive: true })
  await writeFile(
    join(folder, 'resolv.conf'),
    'nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5 timeout:2\n',
  )
  const child = cleanup.use(
    await startChild({
      name,
      home: lab.path,
      command: 'bash',
      args: [join(scripts, 'up.sh'), folder, name],
      stopSignal: 'SIGKILL',
    }),
  )
  let over = false
  child.exited.then(() => (over = true))
  await until(() => over || readFile(join(folder, 'ready')).then(() => true), {
    deadlineMs: 60_000,
    what: `node ${name}`,
  })
  if (over) throw new Error(`node ${name} ended at its start:\n${await child.output()}`)
  const pid = await onlyChild(child.pid)
  cleanup.defer(async () => {
    await child.kill9()
    await until(() => !isRunning(pid), { what: `the end of node ${name}` })
  })
  const daemons = new Map<string, Daemon>()
  const commands = new Map<string, DaemonCommand>()
  const held = cleanup.move()
  const inside = [join(scripts, 'exec.sh'), folder, String(pid)]
  return {
    name,
    address: `172.30.0.${number}`,
    pods: `10.244.${number - 1}.0/24`,
    folder,
    pid,
    inNetwork: ['bash', join(scripts, 'network.sh'), folder, String(pid)],
    async start(daemon, command, env = {}) {
      if (command) commands.set(daemon, { command, env })
      daemons.set(daemon, await startDaemon(inside, logFile(folder, daemon), commands.get(daemon)!))
    },
    async stop(daemon, signal = 'SIGTERM') {
      const { pid: daemonPid } = daemons.get(daemon)!
      process.kill(daemonPid, signal)
      await until(() => !isRunning(daemonPid), {
        deadlineMs: 30_000,
        what: `the end of ${daemon} in ${name}`,
      })
      daemons.delete(daemon)
    },
    exec: (command, env) => run(['bash', ...inside, ...command], { env }),
    log: daemon => readFile(logFile(folder, daemon), 'utf8'),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

interface DaemonCommand {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

interface Daemon {
  readonly pid: number
}

/** nsenter forks to enter a pid namespace: the daemon is its child, and killing nsenter would leave that running. */
async function startDaemon(inside: readonly string[], log: string, told: DaemonCommand): Promise<Daemon> {
  const output = await open(log, 'a')
  try {
    const outer = spawn('bash', [...inside, ...told.command], {
      env: { ...process.env, ...told.env },
      stdio: ['ignore', output.fd, output.fd],
      detached: true,
    })
    const pid = await until(
      async () => (outer.exitCode === null ? await onlyChild(outer.pid!) : (outer.exitCode ?? -1)),
      { deadlineMs: 30_000, what: `the start of ${told.command[0]}` },
    )
    if (outer.exitCode !== null) {
      throw new Error(
        `${told.command[0]} ended at its start:\n${(await readFile(log, 'utf8')).slice(-2_000)}`,
      )
    }
    outer.unref()
    return { pid }
  } finally {
    await output.close()
  }
}

async function onlyChild(pid: number): Promise<number> {
  return await until(
    async () => {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
      const first = Number(children.trim().split(' ')[0])
      return first > 0 && first
    },
    { deadlineMs: 30_000, what: `a child of process ${pid}` },
  )
}

function logFile(folder: string, daemon: string): string {
  return join(folder, 'log', `${daemon}.log`)
}

/** Runs a command to its end. @throws with what it said on standard error, and its output */
export function run(
  [program, ...args]: readonly string[],
  options: {
    readonly input?: string | undefined
    readonly env?: Readonly<Record<string, string>> | undefined
    readonly timeoutMs?: number | undefined
  } = {},
): Promise<string> {
  const { input = '', env = {}, timeoutMs = 300_000 } = options
  return new Promise((resolve, reject) => {
    const child = execFile(
      program!,
      args,
      { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024, timeout: timeoutMs },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${stderr || error.message}${stdout}`.trim(), { cause: error }))
        else resolve(stdout)
      },
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
