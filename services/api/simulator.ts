import { z } from 'zod'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { noQuery, organizationParams } from './query.ts'

/** Names of the sources that the simulator may send to begin with this: their keys were made for it. */
export const demoPrefix = 'simulator-'

/** How long the receiver may take to answer, ms; and how much of its answer is shown, bytes. */
const answerMs = 15_000
const answerBytes = 16 * 1024

/** Headers of the connection, or of a request's origin: a sender may not choose them. */
const refusedHeaders =
  /^(?:host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive|forwarded|proxy-.*|x-forwarded-.*|cookie)$/

const send = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/simulator/send',
  name: 'sendSimulated',
  tag: 'Settings',
  summary: 'Send a webhook to a demo source',
  description: `For the console’s simulator, which signs in the browser: headers and body go to the receiver as they are, and its answer comes back. Only to sources that were made here and whose names begin with \`${demoPrefix}\`. What the receiver accepts is an event like any other, of the source’s mode, and goes where the routes say. 404 where this platform has no simulator (\`FAIRLEAD_SIMULATOR_RECEIVER_URL\`).`,
  access: 'operate',
  keepsNoAnswer: true,
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    source: z
      .string()
      .regex(/^simulator-[-a-z0-9]{1,53}$/, `is not a demo source: its name begins with ${demoPrefix}`)
      .meta({ example: 'simulator-github' }),
    headers: z
      .record(
        z
          .string()
          .regex(/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/, 'is no header name in lower case')
          .refine(name => !refusedHeaders.test(name), 'is not a sender’s to choose'),
        z
          .string()
          .max(4_096)
          .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'has characters that no header can hold'),
      )
      .refine(headers => Object.keys(headers).length <= 50, 'at most 50'),
    body: z.string().max(65_536).meta({ description: 'Sent as UTF-8.' }),
  }),
  status: 200,
  answerDescription: 'What the receiver answered, whether it accepted or refused.',
  answer: z.object({
    status: z.int(),
    headers: z.record(z.string(), z.string()),
    body: z.string().meta({ description: `Its first ${answerBytes} bytes.` }),
    durationMs: z.int(),
  }),
  problems: ['unavailable'],
  async handle({ store, organization, body, simulatorReceiverUrl, signal }) {
    if (!simulatorReceiverUrl) throw new ApiError('not_found', 'This platform has no simulator.')
    const { sources } = await store.sources.listSources({ organizationId: organization.id }, { signal })
    if (!sources.some(({ name }) => name === body.source)) throw new ApiError('not_found')
    const url = new URL(`/webhooks/${organization.slug}/${body.source}`, simulatorReceiverUrl)
    return relay(url, body)
  },
})

async function relay(
  url: URL,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
) {
  const startedMs = performance.now()
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
    const text = (await response.text()).slice(0, answerBytes)
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: text,
      durationMs: Math.round(performance.now() - startedMs),
    }
  } catch (cause) {
    throw new ApiError('unavailable', 'The receiver could not be reached.', { cause })
  }
}

export const simulatorOperations = [send]
