import { type BinaryToTextEncoding, createHmac } from 'node:crypto'

/*
 * What each provider's documentation says of its signature, written down a second time with node:crypto alone: nothing
 * here reads our descriptors. Vectors are made of it, in the form of vectors/provider-vectors.json, which also go wrong
 * in the ways that requests do.
 */

/** A request as a provider sends it. */
export interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  /** The body as sent, where it holds the signature and so differs from the given body. */
  readonly body?: string
  readonly url?: string
}

export interface Formula {
  readonly provider: string
  /** As a user configures it; null where keys are in the options. */
  readonly secret: string | null
  /** Another secret of the same form, which didn't sign. */
  readonly other?: string
  readonly options?: Readonly<Record<string, unknown>>
  /** Where the URL is signed. */
  readonly url?: string
  /** Default JSON with all sorts of characters. */
  readonly body?: string
  /** Signs a body at a time, in Unix seconds. */
  readonly sign: (body: string, seconds: number) => Sent
  /** The part of the body that the signature covers: all (default), some fields, or nothing. */
  readonly covers?: 'body' | 'some' | 'nothing'
  /** The reason for refusing a changed body; default signature_mismatch. */
  readonly changed?: string
  /** The headers that hold the signature. Empty: the signature is in the body. */
  readonly signature: readonly string[]
  /** How the signed time is bounded, in seconds; `header` is where it stands, if in one of its own. */
  readonly time?: Bounds & { readonly header?: string }
}

export interface Bounds {
  readonly past: number | null
  readonly future: number | null
  /** True where an age of exactly `past` fails. */
  readonly exclusive?: boolean
}

/** One entry of a vector file. */
export interface Vector {
  readonly id: string
  readonly provider: string
  readonly expected: 'valid' | 'invalid'
  readonly reason?: string
  readonly secret: string | readonly string[] | null
  readonly method: string
  readonly url?: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly now: number
  readonly options?: Readonly<Record<string, unknown>>
  readonly assumes_tolerance_seconds?: unknown
}

export const now = 1_760_000_000
export const json =
  '{"id":"evt_1","type":"invoice.paid","text":"Zoë 🚀 日本語 \\u00e9\\/ <&>\\r\\n","nested":{"a":[1,2.50,null]}}'
/** Bodies that something in between likes to write anew. */
const oddBodies: Readonly<Record<string, string>> = {
  'a newline at its end': '{"a":1}\n',
  'CRLF and blanks': '{\r\n  "a" : 1 ,\t"b":"\\u00e9"\r\n}\r\n',
  'no JSON': 'a=b&c=%20d+e\u2028',
  'a BOM': '\uFEFF{"a":1}',
}

export function hmac(
  hash: string,
  key: string | Uint8Array,
  text: string,
  encoding: BinaryToTextEncoding = 'hex',
): string {
  return createHmac(hash, key).update(text, 'utf8').digest(encoding)
}

export function vector(formula: Formula, id: string, sent: Sent, overrides: Partial<Vector> = {}): Vector {
  const { provider, secret, options, url, body = json } = formula
  const publicUrl = sent.url ?? url
  return {
    id: `${provider}: ${id}`,
    provider,
    expected: 'valid',
    secret,
    method: 'POST',
    ...(publicUrl !== undefined && { url: publicUrl }),
    headers: sent.headers ?? {},
    body: sent.body ?? body,
    now,
    ...(options && { options }),
    ...overrides,
  }
}

/** The vectors that every formula gives: right ones in all spellings, and wrong ones with their reason. */
export function vectorsOf(formula: Formula): Vector[] {
  const { body = json, sign, covers = 'body' } = formula
  const sent = sign(body, now)
  const vectors = [vector(formula, 'as it is sent', sent)]
  const add = (id: string, its: Sent, overrides: Partial<Vector> = {}) =>
    vectors.push(vector(formula, id, its, overrides))
  const refuse = (reason: string, id: string, its: Sent, overrides: Partial<Vector> = {}) =>
    add(id, its, { expected: 'invalid', reason, ...overrides })

  const headers = Object.entries(sent.headers ?? {})
  const renamed = (change: (name: string) => string) =>
    Object.fromEntries(headers.map(([name, value]) => [change(name), value]))
  add('header names in upper case', { ...sent, headers: renamed(name => name.toUpperCase()) })
  add('header names in lower case', { ...sent, headers: renamed(name => name.toLowerCase()) })
  add('header values in lists', sent, {
    headers: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
  })
  add('fields nobody knows', sent, { origin: 'here', later: { a: 1 } } as Partial<Vector>)

  if (covers === 'body') {
    for (const [name, odd] of Object.entries(oddBodies)) add(name, sign(odd, now), { body: odd })
    const reason = formula.changed ?? 'signature_mismatch'
    refuse(reason, 'a blank behind the body', sent, { body: `${body} ` })
    refuse(reason, 'one letter of the body', sent, { body: body.replace('e', 'E') })
    refuse(reason, 'no body', sent, { body: '' })
  }
  for (const name of formula.signature) {
    const left = Object.fromEntries(headers.filter(([key]) => key.toLowerCase() !== name.toLowerCase()))
    if (formula.signature.length === 1)
      refuse('missing_signature', `without ${name}`, { ...sent, headers: left })
    refuse('signature_mismatch', `${name} cut`, {
      ...sent,
      headers: { ...sent.headers, [name]: sent.headers![name]!.slice(0, -4) },
    })
  }
  if (formula.other !== undefined && formula.secret !== null) {
    refuse('signature_mismatch', 'another secret', sent, { secret: formula.other })
    add('one of two secrets', sent, { secret: [formula.other, formula.secret] })
  }
  return [...vectors, ...timeVectors(formula)]
}

function timeVectors(formula: Formula): Vector[] {
  const { time, body = json } = formula
  if (!time) return []
  const sent = formula.sign(body, now)
  const at = (id: string, age: number, overrides: Partial<Vector> = {}) =>
    vector(formula, id, sent, { now: now + age, ...overrides })
  const stale = { expected: 'invalid', reason: 'stale_timestamp' } as const
  const early = { expected: 'invalid', reason: 'future_timestamp' } as const
  const own = { assumes_tolerance_seconds: { past: 42, future: 7 } }
  const vectors = [
    at('within a tolerance of its own', 42 - (time.exclusive ? 1 : 0), own),
    at('older than its own tolerance', 43, { ...own, ...stale }),
    at('ahead, within its own tolerance', -7, own),
    at('further ahead than its own tolerance', -8, { ...own, ...early }),
    at('old, where nothing is bounded', 10_000_000, {
      assumes_tolerance_seconds: { past: null, future: null },
    }),
  ]
  if (time.past === null) vectors.push(at('a day old', 86_400))
  else {
    vectors.push(at('as old as may be', time.past - (time.exclusive ? 1 : 0)))
    vectors.push(at('too old', time.past + (time.exclusive ? 0 : 1), stale))
  }
  if (time.future === null) vectors.push(at('a day ahead', -86_400))
  else {
    vectors.push(at('as far ahead as may be', -time.future))
    vectors.push(at('too far ahead', -time.future - 1, early))
  }
  if (time.header !== undefined) {
    const { [time.header]: _gone, ...headers } = { ...sent.headers }
    vectors.push(
      vector(
        formula,
        'without its time',
        { ...sent, headers },
        { expected: 'invalid', reason: 'missing_timestamp' },
      ),
    )
    const moved = { ...sent.headers, [time.header]: formula.sign(body, now + 1).headers![time.header]! }
    vectors.push(
      vector(
        formula,
        'another time',
        { ...sent, headers: moved },
        { expected: 'invalid', reason: 'signature_mismatch' },
      ),
    )
  }
  return vectors
}

/** Makes vectors of one provider's request with its headers changed. */
export function changing(formulas: readonly Formula[]) {
  return (
    provider: string,
    name: string,
    change: (headers: Record<string, string>) => Record<string, unknown>,
    reason?: string,
    overrides: Partial<Vector> = {},
  ): Vector => {
    const formula = formulas.find(one => one.provider === provider)!
    const { headers = {} } = formula.sign(json, now)
    const refused = reason === undefined ? {} : { expected: 'invalid' as const, reason }
    return vector(formula, name, {}, { headers: change({ ...headers }), ...refused, ...overrides })
  }
}

export const inHeader =
  (name: string, change: (text: string) => string) =>
  (headers: Record<string, string>): Record<string, string> => ({
    ...headers,
    [name]: change(headers[name]!),
  })
