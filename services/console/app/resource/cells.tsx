import { Link } from '@tanstack/react-router'
import { memo, type ReactNode } from 'react'
import { ActionButton } from './actions.tsx'
import type { Action, Resource } from './resource.ts'

interface CellsProps<Item> {
  readonly resource: Resource<Item>
  readonly item: Item
  readonly slug: string
}

function CellsOf<Item>({
  resource: { columns, pathOf, searchOf, details },
  item,
  slug,
  isOpen,
  activate,
}: CellsProps<Item> & { readonly isOpen: boolean; readonly activate: (item: Item) => void }): ReactNode {
  return columns.map(({ title, cell, shown, className }) => (
    <td key={title} className={classes(shown, className)} data-title={title}>
      {className === 'grow' ? (
        <RowHandle
          path={pathOf?.(item, slug)}
          search={searchOf?.(item)}
          isOpen={details && isOpen}
          toggle={() => activate(item)}
        >
          {cell(item, slug)}
        </RowHandle>
      ) : (
        cell(item, slug)
      )}
    </td>
  ))
}

/**
 * The cells of a row. Where a list is followed, rows move four times a second: those whose item is the same aren't made again.
 */
export const Cells = memo(CellsOf) as typeof CellsOf

function ActionCellOf<Item>({
  resource: { actions = [], editOf, tools, labelOf },
  item,
  slug,
}: CellsProps<Item>): ReactNode {
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

export const ActionCell = memo(ActionCellOf) as typeof ActionCellOf

/** Rows come and go by the dozen where a list is followed: buttons that would show nothing aren't made. */
const appliesTo =
  <Item,>(item: Item) =>
  ({ applies }: Action<Item>): boolean =>
    applies?.(item) ?? true

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

/** The classes of a column's cells. */
export function classes(
  shown: 'always' | 'wide' | 'roomy' | undefined,
  className: string | undefined,
): string {
  return `${shown === undefined || shown === 'always' ? '' : `${shown} `}${className ?? ''}`
}
