import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { CommandError } from '../command-error.ts'
import { printable } from '../terminal.ts'
import type { Kubectl } from './kubectl.ts'

/**
 * A way to a Service through the API server, for as long as it is open: `kubectl port-forward` on a free port of this
 * machine's loopback. Not the API server's own proxy for Services: that takes the Authorization header for itself, and
 * so Fairlead's API key would never arrive.
 */
export interface PortForward extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
}

export interface ServiceName {
  readonly namespace: string
  readonly name: string
}

/** How long kubectl waits for a pod behind the Service; its own default is a minute. */
const podSeconds = 15
/** From the start of kubectl until it listens, ms: signing in to the cluster may ask a person, in a browser. */
const deadlineMs = 60_000

/** @throws CommandError where kubectl can't open it, with what kubectl says */
export async function openPortForward(kubectl: Kubectl, service: ServiceName): Promise<PortForward> {
  const child = kubectl.start([
    ...['port-forward', '--address=127.0.0.1', `--namespace=${service.namespace}`],
    `--pod-running-timeout=${podSeconds}s`,
    // No local port: kubectl takes a free one and says which.
    ...[`service/${service.name}`, ':http'],
  ])
  const exited = once(child, 'exit')
  const close = async () => {
    child.kill()
    await exited
  }
  const complaint = text(child.stderr!)
  const timer = setTimeout(() => child.kill(), deadlineMs)
  try {
    const port = await listeningPort(child.stdout!)
    if (port !== undefined) {
      child.stdout!.resume()
      const origin = `http://127.0.0.1:${port}`
      return { origin, [Symbol.asyncDispose]: close }
    }
  } finally {
    clearTimeout(timer)
  }
  await close()
  const said =
    printable((await complaint).trim().split('\n').at(-1) ?? '') || `nothing in ${deadlineMs / 1000} s`
  throw new CommandError(
    `No port-forward to the Service ${service.namespace}/${service.name}: ${said.replace(/^error: /, '')}\n` +
      'It takes a pod that is ready, and the right to create pods/portforward there. Where the API has an address ' +
      'of its own, give --url instead.',
  )
}

/** kubectl's line: Forwarding from 127.0.0.1:41234 -> 8081. Undefined where it ends without. */
async function listeningPort(stdout: NodeJS.ReadableStream): Promise<number | undefined> {
  let said = ''
  return await new Promise(resolve => {
    stdout.setEncoding('utf8')
    stdout.on('data', (chunk: string) => {
      said += chunk
      const port = /^Forwarding from 127\.0\.0\.1:(\d+) /m.exec(said)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
    stdout.on('end', () => resolve(undefined))
  })
}
