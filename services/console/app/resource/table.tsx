import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { Fragment, type ReactNode, useEffect, useRef } from 'react'
import { zoneName } from '../time.tsx'
import { ActionButton } from './actions.tsx'
import type { Action, Resource } from './resource.ts'

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
export function ResourceTable<Item>({ resource, items, slug, opened, open, nearEnd }: TableProps<Item>) {
  const { columns, actions = [], idOf, pathOf, searchOf, editOf, tools, details } = resource
  const hasActions = actions.length > 0 || editOf !== undefined || tools !== undefined
  const body = useRef<HTMLTableSectionElement>(null)
  const navigate = useNavigate()
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => rowPx,
    overscan: 12,
    scrollMargin: body.current?.offsetTop ?? 0,
    getItemKey: index => idOf(items[index]!),
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
                <Cells
                  resource={resource}
                  item={item}
                  slug={slug}
                  isOpen={isOpen}
                  activate={() => activate(item)}
                />
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

interface CellsProps<Item> {
  readonly resource: Resource<Item>
  readonly item: Item
  readonly slug: string
}

function Cells<Item>({
  resource: { columns, pathOf, searchOf, details },
  item,
  slug,
  isOpen,
  activate,
}: CellsProps<Item> & { readonly isOpen: boolean; readonly activate: () => void }) {
  return columns.map(({ title, cell, shown, className }) => (
    <td key={title} className={classes(shown, className)}>
      {className === 'grow' ? (
        <RowHandle
          path={pathOf?.(item, slug)}
          search={searchOf?.(item)}
          isOpen={details && isOpen}
          toggle={activate}
        >
          {cell(item, slug)}
        </RowHandle>
      ) : (
        cell(item, slug)
      )}
    </td>
  ))
}

function ActionCell<Item>({
  resource: { actions = [], editOf, tools, labelOf },
  item,
  slug,
}: CellsProps<Item>) {
  return (
    <td className="actions">
      {editOf && (
        <Link to={editOf(item, slug) as never} className="button small action">
          Edit<span className="visually-hidden"> {labelOf(item)}</span>
        </Link>
      )}
      {tools?.(item, slug)}
      {actions.filter(appliesTo(item)).map(action => (
        <ActionButton key={action.label} action={action} item={item} slug={slug} />
      ))}
    </td>
  )
}

/** Rows come and go by the dozen where a list is followed: buttons that would show nothing aren't made. */
const appliesTo =
  <Item,>(item: Item) =>
  ({ applies }: Action<Item>): boolean =>
    applies?.(item) ?? true

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

/** What a row is opened by: its own page's link, or the button that shows its details below. `j` and `k` go through them. */
function RowHandle({
  path,
  search,
  isOpen,
  toggle,
  children,
}: {
  readonly path: string | undefined
  readonly search: Readonly<Record<string, string>> | undefined
  readonly isOpen: boolean | undefined
  readonly toggle: () => void
  readonly children: ReactNode
}) {
  if (path !== undefined) {
    return (
      <Link to={path as never} search={search as never} className="handle" data-handle="">
        {children}
      </Link>
    )
  }
  if (isOpen === undefined) return children
  return (
    <button type="button" className="handle" data-handle="" aria-expanded={isOpen} onClick={toggle}>
      {children}
    </button>
  )
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

function classes(shown: 'always' | 'wide' | 'roomy' | undefined, className: string | undefined): string {
  return `${shown === undefined || shown === 'always' ? '' : `${shown} `}${className ?? ''}`
}

/** A click that isn't on a control of its own, and doesn't end a selection of text. */
function isPlainClick(target: Element): boolean {
  return !target.closest('a, button, input, select') && (getSelection()?.isCollapsed ?? true)
}
