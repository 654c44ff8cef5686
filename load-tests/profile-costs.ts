/** V8's profile as `--cpu-prof` writes it, as far as it is read here. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      /** From 0. */
      readonly lineNumber: number
    }
  }[]
  /** µs of the monotonic clock. */
  readonly startTime: number
  /** Ids of nodes. */
  readonly samples: readonly number[]
  /** µs since the sample before. */
  readonly timeDeltas: readonly number[]
}

export interface Costs {
  /** µs, without idle time. */
  readonly total: number
  /** µs by package or folder, the largest first. */
  readonly byPart: readonly (readonly [string, number])[]
  /** µs by function and place, the largest first. */
  readonly byFunction: readonly (readonly [string, number])[]
}

/** What the functions of each part took by themselves between two times, µs of the monotonic clock. */
export function costsOf(profile: Profile, fromMicros: number, toMicros: number): Costs {
  const nodes = new Map(profile.nodes.map(node => [node.id, node.callFrame]))
  const parts = new Map<string, number>()
  const functions = new Map<string, number>()
  let total = 0
  let atMicros = profile.startTime
  for (const [i, id] of profile.samples.entries()) {
    const tookMicros = profile.timeDeltas[i]!
    atMicros += tookMicros
    const frame = nodes.get(id)
    if (atMicros < fromMicros || atMicros > toMicros || !frame || frame.functionName === '(idle)') continue
    total += tookMicros
    add(parts, partOf(frame), tookMicros)
    add(functions, `${frame.functionName || '(anonymous)'} ${placeOf(frame)}`.trimEnd(), tookMicros)
  }
  return { total, byPart: sorted(parts), byFunction: sorted(functions) }
}

type Frame = Profile['nodes'][number]['callFrame']

function partOf({ url, functionName }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (dependency) return dependency
  if (url.startsWith('node:')) return url
  return pathOf(url).split('/').slice(0, 3).join('/')
}

function placeOf({ url, lineNumber }: Frame): string {
  return url === '' ? '' : `${pathOf(url)}:${lineNumber + 1}`
}

const root = new URL('..', import.meta.url).pathname

const pathOf = (url: string): string => url.replace(/^file:\/\//, '').replace(root, '')

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}

const sorted = (sums: ReadonlyMap<string, number>) => [...sums].toSorted(([, a], [, b]) => b - a)
