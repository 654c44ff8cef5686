import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Badge } from '../parts/badge.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ActionButton } from '../resource/actions.tsx'
import { SettingsForm } from './settings-form.tsx'
import { listPathOf, type Setting, type SettingsKind } from './settings-kind.ts'

/** The page of one setting: what it is, the form that changes it, and what can be done with it. */
export function SettingsPage<Item extends Setting>({
  kind,
  param,
}: {
  readonly kind: SettingsKind<Item>
  /** The name of the address's part that says which. */
  readonly param: string
}) {
  const params = useParams({ strict: false }) as Readonly<Record<string, string>>
  const slug = params.slug ?? ''
  const key = params[param] ?? ''
  const query = useQuery({
    queryKey: [kind.list, slug, 'one', key],
    queryFn: ({ signal }) => kind.load(slug, key, signal),
  })
  if (query.isPending) return <p className="muted page">Loading …</p>
  if (query.isError) {
    return (
      <section className="page">
        <Crumbs kind={kind} slug={slug} />
        <h1>{capital(kind.noun)}</h1>
        <ProblemNote error={query.error} again={() => void query.refetch()} />
      </section>
    )
  }
  const item = query.data
  const { Below } = kind
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <Crumbs kind={kind} slug={slug} />
          <h1>
            {kind.titleOf(item)} {kind.isDeclared(item) && <Badge tone="plain">declared</Badge>}
          </h1>
          {kind.about && <p className="muted">{kind.about}</p>}
        </div>
        <div className="row">
          {kind.tools?.(item, slug)}
          {kind.remove && !kind.isDeclared(item) && <Remove kind={kind} item={item} slug={slug} />}
        </div>
      </header>
      <SettingsForm key={key} kind={kind} slug={slug} item={item} begin={item.settings} />
      {Below && <Below slug={slug} item={item} />}
    </section>
  )
}

/** The page that makes a new one. */
export function NewSettingPage<Item extends Setting>({ kind }: { readonly kind: SettingsKind<Item> }) {
  const { slug = '' } = useParams({ strict: false })
  const search = useSearch({ strict: false }) as Readonly<Record<string, string>>
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <Crumbs kind={kind} slug={slug} />
          <h1>New {kind.noun}</h1>
        </div>
      </header>
      <SettingsForm kind={kind} slug={slug} item={undefined} begin={kind.begin(search)} />
    </section>
  )
}

function Remove<Item extends Setting>({
  kind,
  item,
  slug,
}: {
  readonly kind: SettingsKind<Item>
  readonly item: Item
  readonly slug: string
}) {
  const navigate = useNavigate()
  const { remove } = kind
  if (!remove) return null
  return (
    <ActionButton
      slug={slug}
      item={item}
      action={{
        label: 'Delete',
        right: kind.right,
        tone: 'danger',
        confirm: remove.confirm,
        run: async () => {
          await remove.run(slug, kind.keyOf(item), item.etag)
          void navigate({ to: listPathOf(kind, slug) as never })
        },
        done: () => 'Deleted',
      }}
    />
  )
}

function Crumbs<Item extends Setting>({
  kind,
  slug,
}: {
  readonly kind: SettingsKind<Item>
  readonly slug: string
}) {
  // Of a setting that there is one of, the list is this very page.
  if (!kind.create) return null
  return (
    <p className="crumbs">
      <Link to={listPathOf(kind, slug) as never}>{capital(kind.list)}</Link> /
    </p>
  )
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
