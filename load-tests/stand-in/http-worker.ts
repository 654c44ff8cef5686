import { type MessagePort, workerData } from 'node:worker_threads'
import type { Answered } from './http.ts'

const { flag, port } = workerData as { readonly flag: Int32Array; readonly port: MessagePort }

interface Asked {
  readonly method: string
  readonly url: string
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>>
}

async function answer({ method, url, body, headers }: Asked): Promise<Answered> {
  const startMs = performance.now()
  try {
    const response = await fetch(url, { method, headers, body })
    const text = await response.text()
    return {
      status: response.status,
      // k6 writes names as Go does.
      headers: Object.fromEntries(
        [...response.headers].map(([name, value]) => [
          name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase()),
          value,
        ]),
      ),
      body: text,
      durationMs: performance.now() - startMs,
    }
  } catch {
    return { status: 0, headers: {}, body: '', durationMs: performance.now() - startMs }
  }
}

port.on('message', async (asked: Asked) => {
  port.postMessage(await answer(asked))
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
})
