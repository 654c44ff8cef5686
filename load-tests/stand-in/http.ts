import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'

/**
 * As `k6/http`: a call returns with the response. A worker thread makes the request, and this thread sleeps until it is
 * answered.
 */
interface Params {
  readonly headers?: Readonly<Record<string, string>>
}

/** What the worker answers; `status` 0: no answer. */
export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly durationMs: number
}

const flag = new Int32Array(new SharedArrayBuffer(4))
const { port1: here, port2: there } = new MessageChannel()
const worker = new Worker(new URL('./http-worker.ts', import.meta.url), {
  workerData: { flag, port: there },
  transferList: [there],
})
worker.unref()

function request(method: string, url: string, body: string | null, { headers = {} }: Params) {
  Atomics.store(flag, 0, 0)
  here.postMessage({ method, url, body, headers })
  Atomics.wait(flag, 0, 0, 120_000)
  const received = receiveMessageOnPort(here) as { readonly message: Answered } | undefined
  if (!received) throw new Error(`${method} ${url} was not answered within two minutes`)
  const { status, headers: answered, body: text, durationMs } = received.message
  return {
    status,
    headers: answered,
    body: text,
    timings: { duration: durationMs },
    json(selector?: string): unknown {
      const value = JSON.parse(text) as Record<string, unknown>
      return selector === undefined ? value : value[selector]
    },
  }
}

export default {
  get: (url: string, params: Params = {}) => request('GET', url, null, params),
  post: (url: string, body: string, params: Params = {}) => request('POST', url, body, params),
}
