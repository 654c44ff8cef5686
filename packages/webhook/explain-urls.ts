export interface UrlVariant {
  readonly url: string
  readonly sentence: string
}

/** Forms of the public URL that the provider may have signed. */
export function* urlVariants(received: string): Generator<UrlVariant> {
  const url = URL.parse(received)
  if (!url || !/^https?:$/.test(url.protocol)) return
  const other = url.protocol === 'https:' ? 'http:' : 'https:'
  yield* variant(received.replace(/^https?:/i, other), `with ${other}//: its public URL has the wrong scheme`)
  if (url.port !== '') {
    yield* variant(received.replace(`:${url.port}`, ''), 'without the port: its public URL has one too many')
    yield* variant(
      received.replace(/^https?:/i, other).replace(`:${url.port}`, ''),
      `with ${other}// and without the port`,
    )
  } else {
    const port = url.protocol === 'https:' ? 443 : 80
    yield* variant(received.replace(url.host, `${url.host}:${port}`), `with the port ${port} written out`)
  }
  const [address = '', query] = received.split('?', 2)
  const tail = query === undefined ? '' : `?${query}`
  yield* address.endsWith('/')
    ? variant(address.slice(0, -1) + tail, 'without the slash at the end of the path')
    : variant(`${address}/${tail}`, 'with a slash at the end of the path')
  if (query !== undefined) {
    yield* variant(address, 'without the query')
    yield* variant(`${address}?${query.split('&').sort().join('&')}`, 'with its query sorted')
    yield* variant(`${address}?${query.split('&').reverse().join('&')}`, 'with its query the other way round')
    yield* variant(decoded(received), 'with its query decoded')
  }
  yield* variant(url.toString(), 'as browsers normalise it')
  yield* variant(received.replace(/^(https?:\/\/)www\./i, '$1'), 'without www.')
}

function* variant(url: string, how: string): Generator<UrlVariant> {
  yield {
    url,
    sentence: `The signature matches the URL ${how} (${url}). Set the source’s option publicUrl to the URL that the provider has.`,
  }
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url.replaceAll('+', ' '))
  } catch {
    return url
  }
}
