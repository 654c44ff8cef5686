import type { WebhookRequest } from './scheme.ts'

export interface ReceiveOptions {
  /** The address that providers were given, without a path: `https://hooks.example.com`. Default: the request's own. */
  readonly publicBase?: string
  /** Bytes of the body. Default 1 MiB. */
  readonly maxBytes?: number
}

/**
 * A request of the Fetch standard (Hono, Next.js, Deno, Bun) as `verify` takes it: with its bytes, read once and no
 * further than the limit. Undefined where the body is longer; answer 413 then.
 */
export async function receive(
  request: Request,
  options: ReceiveOptions = {},
): Promise<WebhookRequest | undefined> {
  const body = await readBody(request, options.maxBytes ?? 1024 * 1024)
  if (!body) return undefined
  const url = new URL(request.url)
  return {
    method: request.method,
    url: options.publicBase === undefined ? request.url : options.publicBase + url.pathname + url.search,
    headers: Object.fromEntries(request.headers),
    body,
  }
}

async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
