import { headers, type MsgHdrs } from '@nats-io/transport-node'

/**
 * Headers of messages as text. `headers()` of @nats-io keeps a map of lists for each message and walks it twice, which was
 * a fifth of the processor time of publishing one event.
 */

const lineBreak = /[\r\n]/

/**
 * Fields as lines of NATS' header format (`NATS/1.0`, ADR-4 of NATS), without its first line.
 * @throws TypeError where a value holds a line break
 */
export function encodeFields(fields: Readonly<Record<string, string>>): string {
  let text = ''
  for (const name in fields) {
    const value = fields[name]!
    if (lineBreak.test(value)) throw new TypeError(`the header ${name} holds a line break`)
    text += `${name}: ${value}\r\n`
  }
  return text
}

/** Headers as `publish` takes them, for one message after the other. */
export interface HeaderCarrier {
  readonly headers: MsgHdrs
  /** What the message that is published next has: fields as `encodeFields` made them. */
  load(fields: string): void
}

export function openHeaderCarrier(): HeaderCarrier {
  const carrier = headers()
  let block = Buffer.alloc(0)
  // `publish` calls nothing else of its headers (@nats-io/nats-core 3.4, protocol.ts).
  Reflect.set(carrier, 'encode', () => block)
  return {
    headers: carrier,
    load(fields) {
      block = Buffer.from(`NATS/1.0\r\n${fields}\r\n`)
    },
  }
}
