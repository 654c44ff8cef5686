/** A message of a stream of events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface StreamMessage {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** The longest message that is read: one event of the API is a few KiB. */
const maxCharacters = 1024 * 1024

/** Messages of a body, as they come. Those without data say nothing. Ends with the body, or rejects as it does. */
export async function* readMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamMessage> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(text.slice(0, end).split('\n').map(field))
      text = text.slice(end + 2)
      const data = fields.get('data')
      if (data !== undefined) yield { event: fields.get('event') ?? 'message', id: fields.get('id'), data }
    }
    if (text.length > maxCharacters) throw new Error('the stream has a message that is too long')
  }
}

function field(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
}
