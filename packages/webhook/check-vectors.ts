import { noKeyFetch, openScheme } from './open.ts'
import { findProvider } from './providers/table.ts'
import type {
  Handshake,
  RejectionReason,
  Scheme,
  SchemeConfig,
  Tolerance,
  Verdict,
  WebhookRequest,
} from './scheme.ts'
import { headerText } from './verify/header.ts'
import { SchemeError } from './verify/scheme-error.ts'
import { parseTimestamp } from './verify/timestamp.ts'

/*
 * Runs files shaped like vectors/provider-vectors.json and vectors/handshakes.json; their fields are described in
 * vectors/README.md. Unknown fields are ignored.
 */

export interface VectorResult {
  readonly id: string
  readonly provider: string
  readonly passed: boolean
  /** What differs, for people; also on a pass, where a stricter or other answer is allowed. */
  readonly note?: string
}

type Fields = Readonly<Record<string, unknown>>

/** Checks every vector or handshake of a parsed file; a single object counts as a file of one. */
export async function checkVectors(file: unknown): Promise<VectorResult[]> {
  const entries = entriesOf(file)
  const results: VectorResult[] = []
  for (const [index, entry] of entries.entries()) {
    if (!isFields(entry))
      results.push({ id: `#${index}`, provider: '?', passed: false, note: 'not an object' })
    else if (isFields(entry.request) && isFields(entry.response)) results.push(await checkHandshake(entry))
    else results.push(await checkVector(entry))
  }
  return results
}

/** A list of entries, an object that holds a list, or a single entry. */
function entriesOf(file: unknown): readonly unknown[] {
  if (Array.isArray(file)) return file
  const isEntry = !isFields(file) || typeof file.provider === 'string'
  const list = isEntry ? undefined : Object.values(file).find(Array.isArray)
  return list ?? [file]
}

async function checkVector(vector: Fields): Promise<VectorResult> {
  const id = String(vector.id)
  const provider = String(vector.provider)
  const outcome = await verdictOf(vector)
  if (outcome.error && !isRefusal(outcome.error))
    return { id, provider, passed: false, note: textOf(outcome.error) }
  const accepted = outcome.verdict?.kind === 'valid'
  const isAsExpected = accepted === (vector.expected === 'valid')
  const said = outcome.verdict?.kind === 'invalid' ? outcome.verdict.reason : (outcome.error?.code ?? 'valid')
  if (!isAsExpected) {
    const note = outcome.error
      ? textOf(outcome.error)
      : `expected ${vector.expected}, found ${said}${detailOf(outcome.verdict)}`
    // A stricter receiver may rightly differ on these vectors: the difference is reported, and the vector counts as passed.
    if (vector.policy_dependent === true && !outcome.error) {
      return { id, provider, passed: true, note: `by policy: ${note}` }
    }
    return { id, provider, passed: false, note }
  }
  const isSameKind = accepted || isReasonFor(said, vector.reason)
  return {
    id,
    provider,
    passed: true,
    ...(!isSameKind && { note: `refused as ${said}, given as ${vector.reason}` }),
  }
}

/** A secret that is no key of this scheme refuses every request. Any other fault is the file's or this check's. */
function isRefusal(error: SchemeError): boolean {
  return error.code === 'secret_undecodable' || error.code === 'secret_missing'
}

function textOf(error: SchemeError): string {
  return `${error.code}: ${error.message}`
}

function detailOf(verdict: Verdict | undefined): string {
  return verdict?.kind === 'invalid' && verdict.detail ? ` (${verdict.detail})` : ''
}

async function verdictOf(vector: Fields): Promise<{ verdict?: Verdict; error?: SchemeError }> {
  try {
    const scheme = openScheme(configOf(vector), noKeyFetch)
    return { verdict: await scheme.verify(requestOf(vector), Number(vector.now ?? 0) * 1000) }
  } catch (error) {
    if (error instanceof SchemeError) return { error }
    throw error
  }
}

function configOf(vector: Fields): SchemeConfig {
  const tolerance = vector.assumes_tolerance_seconds
  const secrets = [vector.secret ?? []].flat().map(String)
  return {
    provider: String(vector.provider),
    secrets,
    ...(isFields(vector.options) && { options: vector.options }),
    ...(vector.scheme !== undefined && { scheme: vector.scheme }),
    ...(typeof tolerance === 'number' && { toleranceSeconds: tolerance }),
    ...(isFields(tolerance) && {
      toleranceSeconds: { past: tolerance.past ?? null, future: tolerance.future ?? null } as Tolerance,
    }),
  }
}

function requestOf(fields: Fields): WebhookRequest {
  const headers = isFields(fields.headers) ? fields.headers : {}
  const body = typeof fields.body === 'string' ? fields.body : ''
  return {
    method: String(fields.method ?? 'POST').toUpperCase(),
    url: typeof fields.url === 'string' ? fields.url : '',
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.map(String) : String(value),
      ]),
    ),
    body: Buffer.from(body, fields.body_encoding === 'base64' ? 'base64' : 'utf8'),
  }
}

/** Kind of fault in a vector file → the reasons of ours that mean the same. An unknown kind accepts any reason. */
const sameKinds: Readonly<Record<string, readonly RejectionReason[]>> = {
  signature_mismatch: ['signature_mismatch', 'signature_malformed', 'body_hash_mismatch'],
  missing_signature: ['signature_missing', 'signature_malformed'],
  missing_timestamp: ['timestamp_missing'],
  bad_timestamp: ['timestamp_malformed', 'timestamp_missing'],
  stale_timestamp: ['timestamp_out_of_tolerance'],
  future_timestamp: ['timestamp_out_of_tolerance'],
  expired: ['timestamp_out_of_tolerance'],
  body_hash_mismatch: ['body_hash_mismatch'],
  bad_version: ['algorithm_not_allowed'],
  bad_algorithm: ['algorithm_not_allowed'],
  bad_cert_url: ['certificate_untrusted'],
  unknown_key: ['key_unknown'],
}

function isReasonFor(reason: string, kind: unknown): boolean {
  const allowed = typeof kind === 'string' ? sameKinds[kind] : undefined
  return allowed === undefined || allowed.some(same => same === reason)
}

async function checkHandshake(entry: Fields): Promise<VectorResult> {
  const id = String(entry.id)
  const provider = String(entry.provider)
  const response = entry.response as Fields
  try {
    const config = handshakeConfig(entry, response)
    const request = handshakeRequest(entry)
    const scheme = openScheme(config, noKeyFetch)
    // Entries without a secret leave the signature out: there the request counts as verified.
    const isSigned = entry.secret !== undefined
    const nowMs = typeof entry.now === 'number' ? entry.now * 1000 : signedTimeMs(provider, request)
    const isVerified = !isSigned || (await scheme.verify(request, nowMs)).kind === 'valid'
    const answer = scheme.handshake(request, isVerified, nowMs)
    const faults = differences(answer ?? ordinaryAnswer(scheme, isVerified), response)
    return {
      id,
      provider,
      passed: faults.length === 0,
      ...(faults.length > 0 && { note: faults.join('; ') }),
    }
  } catch (error) {
    if (error instanceof SchemeError)
      return { id, provider, passed: false, note: `${error.code}: ${error.message}` }
    throw error
  }
}

/** Some entries hold only the fields that matter to the handshake; the rest of the source's configuration is filled in. */
function handshakeConfig(entry: Fields, response: Fields): SchemeConfig {
  const provider = String(entry.provider)
  const headers = isFields(response.headers) ? response.headers : {}
  const verify = headers['x-vercel-verify']
  const config = configOf(entry)
  const row = findProvider(provider)
  const needsSecret = row?.secretRequired !== false && config.secrets.length === 0
  const publicKey = row?.scheme.kind === 'signature' && row.scheme.algorithm === 'ed25519'
  return {
    ...config,
    ...(needsSecret && { secrets: [publicKey ? '00'.repeat(32) : 'not-used-by-this-handshake'] }),
    options: { ...(verify !== undefined && { verify }), ...config.options },
  }
}

function handshakeRequest(entry: Fields): WebhookRequest {
  const request = requestOf(entry.request as Fields)
  // The entry of SNS refers to a body elsewhere: one of the same form stands for it.
  if (entry.provider === 'aws-sns' && request.body[0] !== 0x7b)
    return { ...request, body: Buffer.from(snsConfirmation) }
  return request
}

const snsConfirmation = JSON.stringify({
  Type: 'SubscriptionConfirmation',
  TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
  SubscribeURL: 'https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=example',
  SigningCertURL: 'https://sns.us-west-2.amazonaws.com/SimpleNotificationService-example.pem',
})

/** Most handshakes carry no clock: they are answered at the time they were signed. */
function signedTimeMs(provider: string, { headers }: WebhookRequest): number {
  const scheme = findProvider(provider)?.scheme
  const place = scheme?.kind === 'signature' ? scheme.timestamp : undefined
  const text = place && 'header' in place ? headerText(headers, place.header) : undefined
  return (text !== undefined && parseTimestamp(text, place!.unit)) || 0
}

/** What a receiver answers to a request that is no handshake: most providers want any 2xx, whatever its body. */
function ordinaryAnswer(scheme: Scheme, isVerified: boolean): Handshake {
  return isVerified ? (scheme.accepted ?? emptyAnswer(200)) : emptyAnswer(401)
}

const emptyAnswer = (status: number): Handshake => ({ status, headers: {}, body: '' })

function differences(answer: Handshake, expected: Fields): string[] {
  const faults: string[] = []
  if (answer.status !== expected.status) faults.push(`status ${answer.status}, expected ${expected.status}`)
  for (const [name, value] of Object.entries(isFields(expected.headers) ? expected.headers : {})) {
    const given = answer.headers[name.toLowerCase()]
    if (given !== value) faults.push(`header ${name}: ${given}, expected ${value}`)
  }
  if (typeof expected.text === 'string' && answer.body !== expected.text) faults.push(`body ${answer.body}`)
  if (isFields(expected.json) && !isSameJson(answer.body, expected.json)) faults.push(`body ${answer.body}`)
  if (typeof expected.then === 'string' && !answer.confirmUrl) faults.push('no URL to confirm')
  return faults
}

function isSameJson(text: string, expected: Fields): boolean {
  const sorted = (value: object) => JSON.stringify(Object.entries(value).sort())
  try {
    return sorted(JSON.parse(text)) === sorted(expected)
  } catch {
    return false
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
