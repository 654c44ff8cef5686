import { CommandError } from './command-error.ts'

/** The admin key of this machine goes to this machine only. */
export function isLocal(url: URL): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
}

/** A sentence for a server that doesn't answer at all, which says how to start it where that is likely. */
export function noAnswer(url: URL, error: unknown): CommandError {
  const codes = new Set<unknown>()
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    codes.add(inner.name)
    if ('code' in inner) codes.add(inner.code)
    if (inner instanceof AggregateError) for (const one of inner.errors) codes.add(one?.code)
  }
  const options = { cause: error }
  if (codes.has('ECONNREFUSED')) {
    const hint = isLocal(url) ? 'Is Fairlead running? Start it with: npm start' : 'Is the address right?'
    return new CommandError(`Nothing answers at ${url.origin}. ${hint}`, undefined, options)
  }
  if (codes.has('ENOTFOUND') || codes.has('EAI_AGAIN')) {
    return new CommandError(`There is no host ${url.hostname}`, undefined, options)
  }
  if (codes.has('TimeoutError'))
    return new CommandError(`${url.origin} gave no answer in time`, undefined, options)
  const known = [...codes].filter(code => typeof code === 'string' && /^[A-Z_\d]+$/.test(code)).join(', ')
  return new CommandError(`${url.origin} could not be reached${known && `: ${known}`}`, undefined, options)
}
