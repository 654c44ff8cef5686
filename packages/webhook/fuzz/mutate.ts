import fc from 'fast-check'
import type { WebhookRequest } from '../scheme.ts'

/** A change to a request, named so that an accepted mutant can be explained. */
export type Mutation =
  | {
      readonly part: 'body'
      readonly kind: 'flip' | 'insert' | 'cut'
      readonly at: number
      readonly byte: number
    }
  | {
      readonly part: 'header'
      readonly pick: number
      readonly kind: 'flip' | 'insert' | 'cut' | 'drop' | 'repeat'
      readonly at: number
      readonly byte: number
    }
  | {
      readonly part: 'url'
      readonly kind: 'flip' | 'insert' | 'cut'
      readonly at: number
      readonly byte: number
    }
  | { readonly part: 'method' }

const at = fc.nat({ max: 100_000 })
const byte = fc.integer({ min: 0, max: 255 })

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({
    part: fc.constant('body' as const),
    kind: fc.constantFrom('flip' as const, 'insert' as const, 'cut' as const),
    at,
    byte,
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      part: fc.constant('header' as const),
      pick: fc.nat({ max: 30 }),
      kind: fc.constantFrom(
        'flip' as const,
        'insert' as const,
        'cut' as const,
        'drop' as const,
        'repeat' as const,
      ),
      at,
      byte,
    }),
  },
  fc.record({
    part: fc.constant('url' as const),
    kind: fc.constantFrom('flip' as const, 'insert' as const, 'cut' as const),
    at,
    byte,
  }),
  fc.constant({ part: 'method' as const }),
)

export interface Mutant {
  readonly request: WebhookRequest
  /** The changed header; undefined where the change is elsewhere. */
  readonly header?: string
  /** False where the mutation happened to change nothing. */
  readonly isChanged: boolean
}

export function mutate(request: WebhookRequest, change: Mutation): Mutant {
  switch (change.part) {
    case 'method':
      return { request: { ...request, method: 'PUT' }, isChanged: true }
    case 'url': {
      const url = changeText(request.url, change.kind, change.at, change.byte)
      return { request: { ...request, url }, isChanged: url !== request.url }
    }
    case 'body': {
      const text = Buffer.from(request.body).toString('latin1')
      const body = Buffer.from(changeText(text, change.kind, change.at, change.byte), 'latin1')
      return { request: { ...request, body }, isChanged: !body.equals(Buffer.from(request.body)) }
    }
    case 'header':
      return mutateHeader(request, change)
    default:
      return change satisfies never
  }
}

function mutateHeader(request: WebhookRequest, change: Extract<Mutation, { part: 'header' }>): Mutant {
  const names = Object.keys(request.headers)
  const header = names[change.pick % names.length]!
  const value = String(request.headers[header])
  if (change.kind === 'drop') {
    const { [header]: _dropped, ...headers } = request.headers
    return { request: { ...request, headers }, header, isChanged: true }
  }
  const changed =
    change.kind === 'repeat'
      ? [value, value]
      : changeText(value, change.kind, change.at, 0x21 + (change.byte % 94))
  return {
    request: { ...request, headers: { ...request.headers, [header]: changed } },
    header,
    isChanged: changed !== value,
  }
}

function changeText(text: string, kind: 'flip' | 'insert' | 'cut', at: number, byte: number): string {
  const position = text.length === 0 ? 0 : at % text.length
  const char = String.fromCharCode(byte)
  if (kind === 'insert') return text.slice(0, position) + char + text.slice(position)
  if (kind === 'cut') return text.slice(0, position) + text.slice(position + 1)
  return text.slice(0, position) + char + text.slice(position + 1)
}
