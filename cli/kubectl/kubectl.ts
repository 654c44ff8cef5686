import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../command-error.ts'
import { printable } from '../terminal.ts'

/**
 * The user's own kubectl, on one context: it knows every way to sign in to a cluster (certificates, OpenID Connect,
 * programs of clouds), and it is there, because it started this plugin.
 */
export interface Kubectl {
  readonly context: string
  /** The context's namespace. */
  readonly namespace: string
  /** The JSON at a path of the API. Throws a KubectlRefusal, or a CommandError where the cluster can't be reached. */
  get(path: string): Promise<unknown>
  /** Starts a kubectl that goes on until it is killed, or until this process is gone, however that ends. */
  start(args: readonly string[]): ChildProcess
}

/** What holds a kubectl that goes on: a file, because Node runs it as a process of its own. */
const leash = fileURLToPath(import.meta.resolve('./leash.ts'))

/** The API server says no. `reason` is its own word: Forbidden, NotFound, Unauthorized …; empty where there is none. */
export class KubectlRefusal extends Error {
  readonly code = 'kubectl_refused'
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.name = 'KubectlRefusal'
    this.reason = reason
  }
}

/**
 * @param flags `--context=…`, `--kubeconfig=…`
 * @param env the environment of each kubectl; PATH says where it is
 * @throws CommandError without kubectl or without such a context
 */
export async function openKubectl(flags: readonly string[], env: NodeJS.ProcessEnv): Promise<Kubectl> {
  const ask = (args: readonly string[]) =>
    run(spawn('kubectl', [...flags, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] }))
  const config = await ask(['config', 'view', '--minify', '--output=json']).catch(error => {
    if (!(error instanceof KubectlRefusal)) throw error
    throw new CommandError(
      `There is no such context (${error.message}): kubectl config get-contexts lists them, --context or ` +
        'kubectl config use-context chooses one',
      undefined,
      { cause: error },
    )
  })
  const { 'current-context': context, contexts } = JSON.parse(config) as {
    'current-context': string
    contexts: readonly { readonly context: { readonly namespace?: string } }[]
  }
  return {
    context,
    namespace: contexts[0]?.context.namespace || 'default',
    async get(path) {
      try {
        return JSON.parse(await ask(['get', '--raw', path]))
      } catch (error) {
        if (!(error instanceof KubectlRefusal) || error.reason !== '') throw error
        throw new CommandError(`The cluster of the context ${context} can't be asked: ${error.message}`)
      }
    },
    start: args => spawn(process.execPath, [leash, 'kubectl', ...flags, ...args], { env, stdio: 'pipe' }),
  }
}

/** What it prints; rejects with a KubectlRefusal where it fails. */
async function run(child: ChildProcess): Promise<string> {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number | null]>,
  ]).catch(error => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new CommandError('There is no kubectl on the PATH', undefined, { cause: error })
  })
  if (code === 0) return stdout
  // kubectl's own form: Error from server (Forbidden): services is forbidden: …
  const line = printable(stderr.trim().split('\n').at(-1) ?? '')
  const [, reason = '', message = line] = /^Error from server \((\w+)\): (.*)$/.exec(line) ?? []
  throw new KubectlRefusal(reason, message.replace(/^error: /, ''))
}
