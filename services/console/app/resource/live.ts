import { type InfiniteData, type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { Page } from './resource.ts'
import { takeStreamSlot } from './stream-slot.ts'

/** How often rows that came by the stream are shown, ms. */
const flushMs = 250
/** Rows that a list keeps; older ones go, and are found by filters. */
const keptRows = 2_000
/** New rows that wait to be shown; the oldest of more are only counted, and found by reloading. */
const keptWaiting = 2_000

/** `queued`: as many tabs follow as a browser bears. */
export type LiveState = 'off' | 'connecting' | 'live' | 'queued' | 'ended'

interface LiveOptions<Item> {
  readonly queryKey: QueryKey
  readonly idOf: (item: Item) => string
  /** The stream's address without its position; undefined: nothing is followed. */
  readonly url: string | undefined
  /** Where the list's first page ends and the stream begins. */
  readonly position: string | undefined
  /** Whether new rows would move what somebody points at or reads: they wait then. */
  readonly isHeld: () => boolean
}

/**
 * Keeps a list at what the stream says: rows that change do so in place, new rows come on top, at most four times a second. While
 * rows must not move, new ones wait, counted. Only a page that is seen follows: hidden tabs close their stream, since a browser
 * opens six connections to one host, and go on from their position when they are seen again.
 */
export function useLive<Item>({ queryKey, idOf, url, position, isHeld }: LiveOptions<Item>) {
  const queries = useQueryClient()
  const [state, setState] = useState<LiveState>('off')
  const [waiting, setWaiting] = useState(0)
  const fresh = useRef<Item[]>([])
  const latest = useRef({ queryKey, idOf, isHeld, position })
  latest.current = { queryKey, idOf, isHeld, position }

  const show = (items: readonly Item[]) => {
    queries.setQueryData<InfiniteData<Page<Item>>>(
      latest.current.queryKey,
      data => data && withNew(data, items, keptRows, latest.current.idOf),
    )
  }
  const showWaiting = () => {
    show(fresh.current.splice(0))
    setWaiting(0)
  }

  const canFollow = url !== undefined && position !== undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new list is a new stream; all else is read when it is needed
  useEffect(() => {
    fresh.current = []
    setWaiting(0)
    if (!canFollow) {
      setState('off')
      return
    }
    const changed = new Map<string, Item>()
    const flush = () => {
      const { idOf, queryKey, isHeld } = latest.current
      const unknown = applyChanges(
        queries.getQueryData<InfiniteData<Page<Item>>>(queryKey),
        changed,
        idOf,
        next => queries.setQueryData(queryKey, next),
      )
      changed.clear()
      fresh.current = mergeFresh(fresh.current, unknown, idOf).slice(0, keptWaiting)
      if (fresh.current.length > 0 && !isHeld()) showWaiting()
      else setWaiting(fresh.current.length)
    }
    const timer = setInterval(() => {
      if (changed.size > 0 || (fresh.current.length > 0 && !latest.current.isHeld())) flush()
    }, flushMs)
    const stop = follow(url, latest.current.position!, {
      take: (item: Item) => changed.set(latest.current.idOf(item), item),
      reset: () => void queries.invalidateQueries({ queryKey: latest.current.queryKey }),
      state: setState,
    })
    return () => {
      clearInterval(timer)
      stop()
    }
  }, [url, canFollow])
  return { state, waiting, showWaiting }
}

interface Follower<Item> {
  readonly take: (item: Item) => void
  readonly reset: () => void
  readonly state: (state: LiveState) => void
}

/** Follows a stream while the page is seen, each time from where it was left. */
export function follow<Item>(url: string, begin: string, follower: Follower<Item>): () => void {
  let position = begin
  let source: EventSource | undefined
  let slot: AbortController | undefined
  const close = () => {
    source?.close()
    source = undefined
    slot?.abort()
    slot = undefined
  }
  const queue = () => {
    follower.state('connecting')
    slot = new AbortController()
    void takeStreamSlot({ taken: open, queued: () => follower.state('queued'), signal: slot.signal })
  }
  const open = () => {
    follower.state('connecting')
    const opened = new EventSource(
      `${url}${url.includes('?') ? '&' : '?'}position=${encodeURIComponent(position)}`,
    )
    source = opened
    opened.onopen = () => follower.state('live')
    opened.onerror = () => {
      const isOver = opened.readyState === EventSource.CLOSED
      // An answer that is no stream (401, 429, 503) is not asked for again: another tab takes the slot.
      if (isOver) close()
      follower.state(isOver ? 'ended' : 'connecting')
    }
    const note = ({ lastEventId }: MessageEvent) => {
      if (lastEventId) position = lastEventId
    }
    opened.addEventListener('event', message => {
      note(message)
      follower.take(JSON.parse(message.data))
    })
    opened.addEventListener('heartbeat', note)
    opened.addEventListener('reset', message => {
      note(message)
      follower.reset()
    })
    opened.addEventListener('end', () => {
      close()
      follower.state('ended')
    })
  }
  const seen = () => {
    if (document.visibilityState === 'hidden') close()
    else if (!slot) queue()
  }
  document.addEventListener('visibilitychange', seen)
  seen()
  return () => {
    document.removeEventListener('visibilitychange', seen)
    close()
  }
}

/** Puts changed rows in their places, and answers with those that the list doesn't have, newest first. */
export function applyChanges<Item>(
  data: InfiniteData<Page<Item>> | undefined,
  changed: ReadonlyMap<string, Item>,
  idOf: (item: Item) => string,
  set: (data: InfiniteData<Page<Item>>) => void,
): Item[] {
  if (!data) return []
  const left = new Map(changed)
  let hasChanged = false
  const pages = data.pages.map(page => {
    if (!page.items.some(item => left.has(idOf(item)))) return page
    hasChanged = true
    const items = page.items.map(item => {
      const next = left.get(idOf(item))
      left.delete(idOf(item))
      return next ?? item
    })
    return { ...page, items }
  })
  if (hasChanged) set({ ...data, pages })
  return [...left.values()].reverse()
}

/** Those that wait, with what came now: each once, as it is now, newest first. */
export function mergeFresh<Item>(
  waiting: readonly Item[],
  come: readonly Item[],
  idOf: (item: Item) => string,
): Item[] {
  const now = new Map(come.map(item => [idOf(item), item]))
  const known = new Set(waiting.map(idOf))
  return [...come.filter(item => !known.has(idOf(item))), ...waiting.map(item => now.get(idOf(item)) ?? item)]
}

/** A list with new rows on top, and without the oldest beyond the limit. */
export function withNew<Item>(
  data: InfiniteData<Page<Item>>,
  items: readonly Item[],
  limit: number,
  idOf: (item: Item) => string,
): InfiniteData<Page<Item>> {
  const [first, ...others] = data.pages
  if (!first || items.length === 0) return data
  // The list may have been loaded again meanwhile.
  const known = new Set(data.pages.flatMap(page => page.items.map(idOf)))
  const unknown = items.filter(item => !known.has(idOf(item)))
  const pages = [{ ...first, items: [...unknown, ...first.items] }, ...others]
  const kept: Page<Item>[] = []
  let room = limit
  for (const page of pages) {
    if (room === 0) break
    // No cursor leads to the middle of a page: where rows of one are left out, the list ends.
    kept.push(
      page.items.length <= room
        ? page
        : { ...page, items: page.items.slice(0, room), next: null, isCut: true },
    )
    room -= kept.at(-1)!.items.length
  }
  return { pages: kept, pageParams: data.pageParams.slice(0, kept.length) }
}
