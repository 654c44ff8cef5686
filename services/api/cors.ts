import cors from 'cors'
import type { RequestHandler } from 'express'

/** Pages of which origins may call the API from a browser. */
export type AllowedOrigins = '*' | readonly string[]

/** `*`, or origins such as `https://app.example.com`, comma-separated; undefined where the text is neither. */
export function readOrigins(text: string): AllowedOrigins | undefined {
  const origins = text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
  if (origins.length === 1 && origins[0] === '*') return '*'
  return origins.every(isOrigin) ? origins : undefined
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text
}

/**
 * Lets pages of these origins call the API with a key or a token. Never with cookies, whatever the origin: a session is good on
 * our own pages alone, so `Access-Control-Allow-Credentials` is never sent.
 */
export function allowOrigins(origins: AllowedOrigins): RequestHandler {
  return cors({
    origin: origins === '*' ? '*' : [...origins],
    credentials: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'Last-Event-ID',
      'Traceparent',
    ],
    exposedHeaders: [
      'Deprecation',
      'ETag',
      'Idempotent-Replayed',
      'Link',
      'RateLimit',
      'RateLimit-Policy',
      'Retry-After',
      'Sunset',
      'X-Request-Id',
    ],
    // How long a browser remembers the answer, s: a change of the configuration takes as long.
    maxAge: 600,
  })
}
