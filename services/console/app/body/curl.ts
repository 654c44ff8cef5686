import { bytesOf, type Received } from './received.ts'

/** Headers that curl writes itself, or that belonged to the connection. */
const own = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'accept-encoding',
  'expect',
])

/**
 * A command that sends a request again: the same method, path, headers and bytes. Headers that were redacted are left out,
 * and named in a comment.
 */
export function curlOf(request: Received, target: string): string {
  const headers = Object.entries(request.headers).filter(([name]) => !own.has(name))
  const hidden = headers.filter(([, value]) => value === '[redacted]').map(([name]) => name)
  const lines = [
    `curl -X ${quote(request.method)} ${quote(target)}`,
    ...headers
      .filter(([, value]) => value !== '[redacted]')
      // An empty value takes a semicolon: with a colon curl would leave the header out.
      .map(([name, value]) => `-H ${quote(value === '' ? `${name};` : `${name}: ${value}`)}`),
  ]
  const { body } = request
  const isPlain = request.bodyEncoding === 'utf-8' && !body?.includes('\0') && !body?.startsWith('@')
  if (body && isPlain) lines.push(`--data-binary ${quote(body)}`)
  const command = lines.join(' \\\n  ')
  const whole =
    body && !isPlain ? `base64 -d <<'END' | ${command} --data-binary @-\n${base64(request)}\nEND` : command
  return hidden.length > 0 ? `# Not kept, so left out: ${hidden.join(', ')}\n${whole}` : whole
}

function base64(request: Received): string {
  if (request.bodyEncoding === 'base64') return request.body ?? ''
  let binary = ''
  for (const byte of bytesOf(request)) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** For a POSIX shell: nothing within single quotes means anything. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
