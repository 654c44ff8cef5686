import { createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { attacker, tenantSecret } from './tenants.ts'

/** The platform under attack. */
export interface Target {
  readonly receiverPort: number
  readonly apiPort: number
  /** A key of the organization whose refusals are explained. */
  readonly puzzleKey: string
  /** A key of the attacker's own organization. */
  readonly attackerKey: string
}

/** Status of an answer, 0 for none → how often. */
export type Answers = Record<string, number>

/**
 * Goes on until the signal aborts. It is under way with its first answer, or before that when it calls `began`.
 */
export type Attack = (
  target: Target,
  signal: AbortSignal,
  answered: (status: number) => void,
  began: () => void,
) => Promise<void>

export const mebibyte = 1024 ** 2

export interface Post {
  readonly port: number
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** Sends a request; 0 where there was no answer. */
export async function ask(
  agent: Agent,
  { port, path, method = 'POST', headers, body }: Post,
): Promise<[number, string]> {
  const { promise, resolve } = Promise.withResolvers<[number, string]>()
  const sent = request(
    { agent, host: '127.0.0.1', port, path, method, headers: { ...headers } },
    async response => {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of response) chunks.push(chunk)
      } catch {
        // It broke off after its head: the status counts.
      }
      resolve([response.statusCode ?? 0, Buffer.concat(chunks).toString()])
    },
  )
  sent.on('error', () => resolve([0, '']))
  sent.end(body)
  return promise
}

/** So many loops of requests, each as fast as answers come. */
export async function loops(
  count: number,
  signal: AbortSignal,
  answered: (status: number) => void,
  next: (n: number) => Post,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: count })
  let n = 0
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (!signal.aborted) {
        const [status] = await ask(agent, next(n++))
        answered(status)
        if (status === 0) await delay(10)
      }
    }),
  )
  agent.destroy()
}

export const hook = (source: string): string => `/webhooks/${attacker}/${source}`
export const json = { 'content-type': 'application/json' }
export const signed = (body: string) =>
  `sha256=${createHmac('sha256', tenantSecret).update(body).digest('hex')}`
