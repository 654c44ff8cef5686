import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { tinykeys } from 'tinykeys'

/** Letters of buttons (`data-key`): in a list they are those of the row in focus, elsewhere the page's. */
const buttonKeys = ['r', 'a', 'e', 'i', 't'] as const
/** `g` and one of these goes to a page of the organization. */
const pages = {
  o: '',
  e: 'events',
  i: 'issues',
  r: 'rejections',
  d: 'destinations',
  s: 'sources',
  l: 'dead-letters',
  b: 'billing/revenue',
} as const
/** Where a letter is a letter. */
const typedInto = 'input, textarea, select, [role=dialog], [role=alertdialog]'

interface UsesOfKeys {
  readonly palette: () => void
  readonly help: () => void
  readonly slug: string | undefined
}

/** Keys that hold everywhere but where one types or a dialog is open. */
export function useKeys({ palette, help, slug }: UsesOfKeys): void {
  const navigate = useNavigate()
  // Read when a key is pressed: to listen anew would forget a `g` that waits for its letter.
  const latest = useRef({ palette, help, slug, navigate })
  latest.current = { palette, help, slug, navigate }
  useEffect(() => {
    const unlessTyping = (act: () => void) => (event: KeyboardEvent) => {
      if ((event.target as Element).closest(typedInto)) return
      event.preventDefault()
      act()
    }
    // Who holds a key down moves on and on, and presses a button once.
    const once = (act: () => void) => (event: KeyboardEvent) => {
      if (!event.repeat) unlessTyping(act)(event)
    }
    const onRow = (way: 'next' | 'previous') => (event: KeyboardEvent) => {
      if (rowInFocus()) unlessTyping(() => moveTo(way))(event)
    }
    const go = (page: string) => () => {
      const { slug, navigate } = latest.current
      if (slug) void navigate({ to: `/organizations/${slug}${page && `/${page}`}` as never })
    }
    const bindings = {
      // First: a letter that ends a sequence does nothing else.
      ...Object.fromEntries(Object.entries(pages).map(([key, page]) => [`g ${key}`, once(go(page))])),
      '$mod+k': (event: KeyboardEvent) => {
        event.preventDefault()
        latest.current.palette()
      },
      'Shift+?': once(() => latest.current.help()),
      '?': once(() => latest.current.help()),
      '/': once(focusFilter),
      j: unlessTyping(() => moveTo('next')),
      k: unlessTyping(() => moveTo('previous')),
      ArrowDown: onRow('next'),
      ArrowUp: onRow('previous'),
      u: once(() => document.querySelector<HTMLElement>('.crumbs a')?.click()),
      ...Object.fromEntries(buttonKeys.map(key => [key, once(() => press(key))])),
    }
    return tinykeys(window, bindings, { ignore: event => event.isComposing })
  }, [])
}

function rowInFocus(): Element | undefined {
  return document.activeElement?.closest('table.resource tbody tr') ?? undefined
}

/** To the row beside the one in focus; into the list where none is. */
export function moveTo(way: 'next' | 'previous'): void {
  const row = rowInFocus()
  if (!row) {
    document.querySelector<HTMLElement>('table.resource [data-handle]')?.focus()
    return
  }
  const beside = way === 'next' ? 'nextElementSibling' : 'previousElementSibling'
  for (let next = row[beside]; next; next = next[beside]) {
    const handle = next.querySelector<HTMLElement>('[data-handle]')
    if (handle) {
      handle.focus()
      return
    }
  }
}

function press(key: string): void {
  const row = rowInFocus()
  const buttons = row
    ? row.querySelectorAll<HTMLElement>(`[data-key=${key}]`)
    : document.querySelectorAll<HTMLElement>(`main [data-key=${key}]`)
  const button = row ? buttons[0] : [...buttons].find(each => !each.closest('table.resource'))
  button?.click()
}

/** The search of a page, or else its first filter. */
function focusFilter(): void {
  const search = document.querySelector<HTMLElement>('[data-search]')
  const target = search ?? document.querySelector<HTMLElement>('.filters input, .filters select')
  target?.focus()
}
