import type { oas31 } from 'zod-openapi'
import type { OpenApiDocument } from '../openapi.ts'
import type { ListedOperation } from './listed-operation.ts'
import { sampleOf } from './sample.ts'

/** A request that an operation takes: of its parameters those that it must have. */
export interface RequestSample {
  readonly method: ListedOperation['method']
  /** With the names of its parameters, as OpenAPI writes it. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** Beside the credential. */
  readonly headers: Readonly<Record<string, string>>
  /** Undefined: none. */
  readonly body: unknown
  /** The answer goes on until either side ends it. */
  readonly lasts: boolean
  /** It needs no credential. */
  readonly isOpen: boolean
}

export function requestSample(document: OpenApiDocument, listed: ListedOperation): RequestSample {
  const { method, path, operation } = listed
  const parameters = (operation.parameters ?? []) as oas31.ParameterObject[]
  const named = (place: string, isWanted: (parameter: oas31.ParameterObject) => boolean) =>
    Object.fromEntries(
      parameters
        .filter(parameter => parameter.in === place && isWanted(parameter))
        .map(parameter => [parameter.name, String(sampleOf(document, parameter.schema ?? {}, 'required'))]),
    )
  const content = (operation.requestBody as oas31.RequestBodyObject | undefined)?.content['application/json']
  const body = content && (content.example ?? sampleOf(document, content.schema ?? {}, 'required'))
  return {
    method,
    path,
    params: named('path', () => true),
    query: named('query', ({ required }) => required === true),
    headers: {
      ...named('header', ({ name }) => name === 'If-Match'),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    body,
    isOpen: operation.security?.length === 0,
    lasts: Object.values(operation.responses ?? {}).some(
      answer => 'text/event-stream' in ((answer as oas31.ResponseObject).content ?? {}),
    ),
  }
}

/** The request's address below the API's, parameters filled in. */
export function addressOf({ path, params, query }: RequestSample): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? ''))
  const search = new URLSearchParams(query).toString()
  return search ? `${filled}?${search}` : filled
}

/** The request as a command of a POSIX shell, with address and key from the environment. */
export function curlOf(sample: RequestSample): string {
  const { method, headers, body, lasts, isOpen } = sample
  const verb = method === 'get' ? '' : ` -X ${method.toUpperCase()}`
  const parts = [
    `curl${lasts ? ' -N' : ''}${verb} "$FAIRLEAD_API_URL${addressOf(sample)}"`,
    ...(isOpen ? [] : [`-H "Authorization: Bearer $FAIRLEAD_API_KEY"`]),
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${quoted(JSON.stringify(body))}`]),
  ]
  return parts.join(' \\\n  ')
}

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
