import { Dialog } from '@base-ui/react/dialog'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useState } from 'react'
import { type PlaceGroup, placesIn } from './places.ts'
import { useIsStaff, usePlaces } from './session.ts'

interface Goal {
  readonly to: string
  readonly label: string
  readonly hint: string
  readonly search?: Readonly<Record<string, string>>
}

/** One box that goes anywhere: pages, organizations, and an event by its id. */
export function Palette({
  open,
  setOpen,
  slug,
}: {
  readonly open: boolean
  readonly setOpen: (open: boolean) => void
  readonly slug: string | undefined
}) {
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog palette">
          <Dialog.Title className="visually-hidden">Go to</Dialog.Title>
          <Box slug={slug} leave={() => setOpen(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Box({ slug, leave }: { readonly slug: string | undefined; readonly leave: () => void }) {
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const { data: places = [] } = usePlaces()
  const isStaff = useIsStaff()
  const found = goalsOf(typed.trim(), placesIn(slug, isStaff, true), slug, places)
  const goals = isStaff ? [...found, ...platformGoal(typed.trim())] : found
  const go = (goal: Goal | undefined) => {
    if (!goal) return
    leave()
    void navigate({ to: goal.to as never, search: (goal.search ?? {}) as never })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) setAt((at + step + goals.length) % Math.max(goals.length, 1))
    else if (event.key === 'Enter') go(goals[at])
    else return
    event.preventDefault()
  }
  return (
    <>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="goals"
        aria-activedescendant={goals[at] && `goal-${at}`}
        aria-label="Page, organization or id"
        placeholder="Page, organization, or paste an id"
        value={typed}
        onChange={event => {
          setTyped(event.target.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <div id="goals" role="listbox" aria-label="Where to go">
        {goals.map((goal, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are the input's
          <div
            key={`${goal.to} ${goal.label}`}
            id={`goal-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => go(goal)}
          >
            {goal.label} <span className="muted">{goal.hint}</span>
          </div>
        ))}
      </div>
      {goals.length === 0 && <p className="muted">Nothing is called so.</p>}
    </>
  )
}

/** Staff finds in any organization what a tenant tells it. */
const platformGoal = (typed: string): readonly Goal[] =>
  typed.length < 2
    ? []
    : [
        {
          to: '/platform/search',
          search: { q: typed },
          label: `Search the platform for ${typed}`,
          hint: 'Platform',
        },
      ]

/** What fits a text: the object of a pasted id first. */
export function goalsOf(
  typed: string,
  groups: readonly PlaceGroup[],
  slug: string | undefined,
  places: readonly { readonly slug: string; readonly name: string }[],
): readonly Goal[] {
  const wanted = typed.toLowerCase()
  const pages = groups.flatMap(({ title, links, rare }) =>
    [...links, ...(rare?.links ?? [])].map(({ to, label }) => ({ to, label, hint: title })),
  )
  const organizations = places.map(place => ({
    to: `/organizations/${place.slug}`,
    label: place.name,
    hint: `organization ${place.slug}`,
  }))
  const fitting = [...pages, ...organizations].filter(({ label, hint }) =>
    `${label} ${hint}`.toLowerCase().includes(wanted),
  )
  return [...idGoal(typed, slug), ...fitting].slice(0, 12)
}

/** By the prefix of an id: the page of the thing, or the list that has it open. */
const placesOfIds: Readonly<Record<string, { readonly page: string; readonly hint: string }>> = {
  evt: { page: 'events/', hint: 'event' },
  rej: { page: 'rejections/', hint: 'rejection' },
  iss: { page: 'issues/', hint: 'issue' },
  rty: { page: 'retries/', hint: 'bulk retry' },
  rte: { page: 'routes/', hint: 'route' },
  src: { page: 'sources/', hint: 'source' },
  dst: { page: 'destinations/', hint: 'destination' },
  cus: { page: 'billing/customers/', hint: 'customer' },
  sub: { page: 'billing/subscriptions/', hint: 'subscription' },
  in: { page: 'billing/invoices/', hint: 'invoice' },
  pi: { page: 'billing/payments/', hint: 'payment' },
  price: { page: 'billing/plans/', hint: 'plan' },
}

function idGoal(typed: string, slug: string | undefined): readonly Goal[] {
  if (!slug) return []
  const id = encodeURIComponent(typed)
  const place = placesOfIds[/^([a-z]{2,5})_\w+$/.exec(typed)?.[1] ?? '']
  return place ? [{ to: `/organizations/${slug}/${place.page}${id}`, label: typed, hint: place.hint }] : []
}
