import type { TcpProxy } from '../tcp-proxy.ts'

/** What connects parts of a platform: some proxies that are broken and healed together. */
export interface Link {
  /** Connections are reset and refused. */
  cut(): void
  /** Connections stay open and pass nothing. */
  stall(): void
  heal(): void
}

type Break = 'cut' | 'stall'

/**
 * Makes links of proxies. A proxy may belong to several, such as that of a service and that of a server: it is well again
 * when none of them is broken, and cut while one of them is.
 */
export function linkMaker(): (proxies: readonly TcpProxy[]) => Link {
  const breaks = new Map<TcpProxy, Map<object, Break>>()
  return proxies => {
    const link = {}
    const become = (state: Break | undefined) => {
      for (const proxy of proxies) {
        const ofProxy = breaks.get(proxy) ?? new Map<object, Break>()
        breaks.set(proxy, ofProxy)
        if (state) ofProxy.set(link, state)
        else ofProxy.delete(link)
        const all = new Set(ofProxy.values())
        if (all.has('cut')) proxy.cut()
        else if (all.has('stall')) proxy.stall()
        else proxy.heal()
      }
    }
    return { cut: () => become('cut'), stall: () => become('stall'), heal: () => become(undefined) }
  }
}
