import { Link, useNavigate } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { Fragment, type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'
import { zoneName } from '../time.tsx'
import { ActionButton } from './actions.tsx'
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
 * `j` and `k` move, Enter opens, an action's own key does it.
 */
export function ResourceTable<Item>({ resource, items, slug, opened, open, nearEnd }: TableProps<Item>) {
  const { columns, actions = [], idOf, labelOf, pathOf, editOf, tools, details } = resource
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
  const activate = (item: Item) => {
    if (pathOf) void navigate({ to: pathOf(item, slug) })
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
                aria-rowindex={index + 2}
                className={isOpen ? 'row-open' : ''}
                onKeyDown={rowKey}
                onClick={event => {
                  if (isPlainClick(event.target as Element)) activate(item)
                }}
              >
                {columns.map(({ title, cell, shown, className }) => (
                  <td key={title} className={classes(shown, className)}>
                    {className === 'grow' ? (
                      <RowHandle
                        path={pathOf?.(item, slug)}
                        isOpen={details && isOpen}
                        toggle={() => activate(item)}
                      >
                        {cell(item, slug)}
                      </RowHandle>
                    ) : (
                      cell(item, slug)
                    )}
                  </td>
                ))}
                {hasActions && (
                  <td className="actions">
                    {editOf && (
                      <Link to={editOf(item, slug) as never} className="button small action">
                        Edit<span className="visually-hidden"> {labelOf(item)}</span>
                      </Link>
                    )}
                    {tools?.(item, slug)}
                    {actions.map(action => (
                      <ActionButton key={action.label} action={action} item={item} slug={slug} />
                    ))}
                  </td>
                )}
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

/** What a row is opened by: its own page's link, or the button that shows its details below. `j` and `k` go through them. */
function RowHandle({
  path,
  isOpen,
  toggle,
  children,
}: {
  readonly path: string | undefined
  readonly isOpen: boolean | undefined
  readonly toggle: () => void
  readonly children: ReactNode
}) {
  if (path !== undefined) {
    return (
      <Link to={path as never} className="handle" data-handle="">
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

function rowKey(event: KeyboardEvent<HTMLTableRowElement>): void {
  const isHandle = (event.target as Element).matches('[data-handle]')
  if (!isHandle || event.ctrlKey || event.metaKey || event.altKey) return
  const row = event.currentTarget
  if (event.key === 'j' || event.key === 'ArrowDown') handleBeside(row, 'nextElementSibling')?.focus()
  else if (event.key === 'k' || event.key === 'ArrowUp') handleBeside(row, 'previousElementSibling')?.focus()
  else {
    const button = row.querySelector<HTMLButtonElement>(`button[data-key="${CSS.escape(event.key)}"]`)
    if (!button) return
    button.click()
  }
  event.preventDefault()
  event.stopPropagation()
}

function handleBeside(
  row: Element,
  way: 'nextElementSibling' | 'previousElementSibling',
): HTMLElement | undefined {
  for (let next = row[way]; next; next = next[way]) {
    const handle = next.querySelector<HTMLElement>('[data-handle]')
    if (handle) return handle
  }
  return undefined
}
