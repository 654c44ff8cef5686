/** Which destinations want an event. */
export interface MatchRoute {
  /** Source names; `*` stands for any run of characters. */
  readonly source: string
  /** Globs of event types; any may match. */
  readonly eventTypes: readonly string[]
  /** Names of destinations. */
  readonly destinations: readonly string[]
}

/** A destination that wants an event, and the first route that says so. */
export interface Match<Route extends MatchRoute> {
  readonly destination: string
  readonly route: Route
}

/** @param eventTypes all types of a request that holds several things; a route wants it if it wants any of them */
export type Matcher<Route extends MatchRoute> = (
  source: string,
  eventType: string,
  eventTypes?: readonly string[],
) => readonly Match<Route>[]

/** The most answers that a matcher remembers: providers choose the types, so their number has no bound. */
const rememberedAnswers = 1000
/** Characters of a source and types whose answer is remembered: a thousand of a few organizations would fill a worker otherwise. */
const longestRemembered = 1_000

/**
 * Compiles routes to a function that gives all destinations for a source and the types of a request, each once, in the
 * routes' order. Answers are remembered, because the same few types come over and over.
 */
export function compileRoutes<Route extends MatchRoute>(routes: readonly Route[]): Matcher<Route> {
  // Compiled at the first event: most of thousands of organizations have no event for days.
  let compiled: readonly CompiledRoute<Route>[] | undefined
  let answers: Map<string, readonly Match<Route>[]>
  return (source, eventType, eventTypes) => {
    if (compiled === undefined) {
      compiled = routes.map(compileRoute)
      answers = new Map()
    }
    const found = eventTypes ?? [eventType]
    // No source's name begins with a line end, so that several types are never taken for one that looks like them.
    const key = eventTypes ? `\n${source}\n${JSON.stringify(eventTypes)}` : `${source}\n${eventType}`
    const known = answers.get(key)
    if (known) return known
    const matches = new Map<string, Match<Route>>()
    for (const { source: wanted, types, route } of compiled) {
      if (!wanted(source) || !types.some(isWanted => found.some(isWanted))) continue
      for (const destination of route.destinations) {
        if (!matches.has(destination)) matches.set(destination, { destination, route })
      }
    }
    const answer = [...matches.values()]
    // The types of a large batch seldom come together again.
    if (key.length > longestRemembered) return answer
    if (answers.size >= rememberedAnswers) answers.clear()
    answers.set(key, answer)
    return answer
  }
}

interface CompiledRoute<Route> {
  readonly source: (text: string) => boolean
  readonly types: readonly ((text: string) => boolean)[]
  readonly route: Route
}

function compileRoute<Route extends MatchRoute>(route: Route): CompiledRoute<Route> {
  return { source: compileGlob(route.source), types: route.eventTypes.map(compileGlob), route }
}

/**
 * A glob in which `*` is any run of characters, also an empty one; all else stands for itself. Matched by
 * searching for its literal parts in turn: linear, whatever the text.
 */
export function compileGlob(glob: string): (text: string) => boolean {
  const [head = '', ...rest] = glob.split('*')
  const tail = rest.pop()
  if (tail === undefined) return text => text === glob
  return text => {
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail))
      return false
    let at = head.length
    const end = text.length - tail.length
    for (const part of rest) {
      const found = text.indexOf(part, at)
      if (found < 0 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}
