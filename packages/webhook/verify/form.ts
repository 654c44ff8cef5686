import { formValue, readFormText } from './form-fields.ts'
import { scanLimitBytes } from './members.ts'

/** A value of an application/x-www-form-urlencoded body, by a bounded scan; the first where a name repeats. */
export function scanForm(body: Uint8Array, name: string): string | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, scanLimitBytes)).toString(
    'latin1',
  )
  const prefix = `${name}=`
  let at = 0
  while (at < text.length) {
    const found = text.indexOf('&', at)
    const end = found < 0 ? text.length : found
    if (text.startsWith(prefix, at)) return decodeFormText(text.slice(at + prefix.length, end))
    at = end + 1
  }
  return undefined
}

/** Percent and plus decoded; undefined where that isn't UTF-8. */
export function decodeFormText(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** A query's value, decoded; the first where it repeats. `url` may be absolute or a path; of 2,000 fields at most. */
export function queryValue(url: string, name: string): string | undefined {
  const start = url.indexOf('?')
  if (start < 0) return undefined
  const hash = url.indexOf('#', start)
  const query = url.slice(start + 1, hash < 0 ? undefined : hash)
  return formValue(readFormText(query) ?? [], name)
}
