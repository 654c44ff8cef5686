import { useLocation, useNavigate } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { Fragment, type ReactNode, useCallback, useDeferredValue, useEffect, useRef } from 'react'
import { zoneName } from '../time.tsx'
import { ActionCell, Cells, classes } from './cells.tsx'
import type { Resource } from './resource.ts'

interface TableProps<Item> {
  readonly resource: Resource<Item>
  readonly items: readonly Item[]
  readonly slug: string
  /** The id of the row whose details are open. */
  readonly opened: string | undefined
  readonly open: (id: string | undefined) => void
  /** Rows are asked for when the end comes near. */
  readonly nearEnd: () => void
}

const rowPx = 44

/**
 * A real table of which only rows in view are in the document. The row in focus stays there, whatever is scrolled or arrives.
 * `j` and `k` move, Enter opens, an action's own key does it: see keys.ts.
 */
export function ResourceTable<Item>({
  resource,
  items: current,
  slug,
  opened,
  open,
  nearEnd,
}: TableProps<Item>) {
  // Rows that a stream brings are made in slices, between which the page answers keys.
  const items = useDeferredValue(current)
  const { columns, actions = [], idOf, pathOf, searchOf, editOf, tools, details } = resource
  const hasActions = actions.length > 0 || editOf !== undefined || tools !== undefined
  const body = useRef<HTMLTableSectionElement>(null)
  const navigate = useNavigate()
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => rowPx,
    overscan: 12,
    scrollMargin: body.current?.offsetTop ?? 0,
    getItemKey: useCallback((index: number) => idOf(items[index]!), [idOf, items]),
  })
  const shown = rows.getVirtualItems()
  const last = shown.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= items.length - 20) nearEnd()
  }, [last, items.length, nearEnd])
  const { pathname } = useLocation()
  useFocusOfOpened(body, pathname, shown.length > 0)
  const activate = (item: Item) => {
    if (pathOf) void navigate({ to: pathOf(item, slug), search: searchOf?.(item) as never })
    else if (details) open(opened === idOf(item) ? undefined : idOf(item))
  }
  const latest = useRef(activate)
  latest.current = activate
  const activateRow = useCallback((item: Item) => latest.current(item), [])
  const margin = body.current?.offsetTop ?? 0
  const before = shown.length > 0 ? shown[0]!.start - margin : 0
  const after = shown.length > 0 ? rows.getTotalSize() - (shown.at(-1)!.end - margin) : 0
  const span = columns.length + (hasActions ? 1 : 0)
  return (
    <table className="resource" aria-rowcount={items.length + 1}>
      <thead>
        <tr aria-rowindex={1}>
          {columns.map(({ title, shown, className }) => (
            <th key={title} scope="col" className={classes(shown, className)}>
              {title}
              {className === 'time' && <span className="zone"> {zoneName}</span>}
            </th>
          ))}
          {hasActions && (
            <th scope="col" className="actions">
              Actions
            </th>
          )}
        </tr>
      </thead>
      <tbody ref={body}>
        <Spacer px={before} span={span} />
        {shown.map(({ index, key }) => {
          const item = items[index]!
          const isOpen = opened === idOf(item)
          return (
            <Fragment key={key}>
              <tr
                ref={rows.measureElement}
                data-index={index}
                data-row={idOf(item)}
                onFocus={() => rememberRow(pathname, idOf(item))}
                aria-rowindex={index + 2}
                className={isOpen ? 'row-open' : ''}
                onClick={event => {
                  if (isPlainClick(event.target as Element)) activate(item)
                }}
              >
                <Cells resource={resource} item={item} slug={slug} isOpen={isOpen} activate={activateRow} />
                {hasActions && <ActionCell resource={resource} item={item} slug={slug} />}
              </tr>
              {isOpen && details && (
                <tr className="details">
                  <td colSpan={span}>{details(item, slug)}</td>
                </tr>
              )}
            </Fragment>
          )
        })}
        <Spacer px={after} span={span} />
      </tbody>
    </table>
  )
}

const rowNameOf = (pathname: string): string => `fairlead row of ${pathname}`

/** As long as the tab is open. A browser that keeps nothing forgets it, and nothing else happens. */
function rememberRow(pathname: string, id: string): void {
  try {
    sessionStorage.setItem(rowNameOf(pathname), id)
  } catch {}
}

/** Who comes back to a list by the browser stands on the row that was left. */
function useFocusOfOpened(
  body: { readonly current: HTMLTableSectionElement | null },
  pathname: string,
  hasRows: boolean,
): void {
  useEffect(() => {
    if (!hasRows || document.activeElement !== document.body) return
    const row = body.current?.querySelector(
      `[data-row="${CSS.escape(sessionStorage.getItem(rowNameOf(pathname)) ?? '')}"]`,
    )
    row?.querySelector<HTMLElement>('[data-handle]')?.focus({ preventScroll: true })
  }, [body, pathname, hasRows])
}

function Spacer({ px, span }: { readonly px: number; readonly span: number }): ReactNode {
  if (px <= 0) return null
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row without a tabIndex takes no focus
    <tr aria-hidden="true" className="spacer" style={{ height: px }}>
      <td colSpan={span} />
    </tr>
  )
}

/** A click that isn't on a control of its own, and doesn't end a selection of text. */
function isPlainClick(target: Element): boolean {
  return !target.closest('a, button, input, select') && (getSelection()?.isCollapsed ?? true)
}
