import { Link, Outlet, useNavigate, useParams, useRouterState } from '@tanstack/react-router'
import { Suspense, useEffect, useState } from 'react'
import { ImpersonationBanner } from './impersonation.tsx'
import { useKeys } from './keys.ts'
import { KeysHelp } from './keys-help.tsx'
import { Palette } from './palette.tsx'
import { type PlaceGroup, placesIn } from './places.ts'
import type { Search } from './search-params.ts'
import { useHasLedger, useIsStaff, usePlaces } from './session.ts'
import { SignedOut } from './signed-out.tsx'
import { ThemeButton } from './theme.tsx'
import { TimeHint } from './time-hint.tsx'

/** What surrounds every page: where one is, where one can go, and the keys. */
export function Shell() {
  const { slug } = useParams({ strict: false })
  const [menu, setMenu] = useState(false)
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const mode = useRouterState({ select: ({ location }) => (location.search as Search).mode })
  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes because the page is another
  useEffect(() => setMenu(false), [path])
  const isStaff = useIsStaff()
  const hasLedger = useHasLedger(slug)
  useKeys({ palette: () => setPalette(true), help: () => setHelp(true), slug })
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="bar">
        <button
          type="button"
          className="button small menu-button"
          aria-expanded={menu}
          aria-controls="menu"
          onClick={() => setMenu(!menu)}
        >
          Menu
        </button>
        <Link to="/" className="brand">
          Fairlead
        </Link>
        <Switcher slug={slug} />
        <div className="row end">
          <button type="button" className="button small" onClick={() => setPalette(true)}>
            Go to <kbd>⌘K</kbd>
          </button>
          <button type="button" className="button small" onClick={() => setHelp(true)} aria-label="Keys">
            ?
          </button>
          <ThemeButton />
        </div>
      </header>
      <nav id="menu" className={menu ? 'menu open' : 'menu'} aria-label="Pages">
        {placesIn(slug, isStaff, hasLedger).map(({ title, links, rare }) => (
          <div key={title}>
            <h2>{title}</h2>
            {links.length > 0 && <Links links={links} mode={mode} />}
            {rare && (
              <details open={rare.links.some(({ to }) => path.startsWith(to))}>
                <summary>{rare.title}</summary>
                <Links links={rare.links} mode={mode} />
              </details>
            )}
          </div>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        <ImpersonationBanner />
        <SignedOut>
          <Suspense fallback={<p className="muted page">Loading …</p>}>
            <Outlet />
          </Suspense>
        </SignedOut>
      </main>
      <Palette open={palette} setOpen={setPalette} slug={slug} />
      <KeysHelp open={help} setOpen={setHelp} />
      {/* The time it was open for is not on another page. */}
      <TimeHint key={path} />
    </div>
  )
}

function Links({
  links,
  mode,
}: {
  readonly links: PlaceGroup['links']
  /** Of the data that is looked at. */
  readonly mode: string | undefined
}) {
  return (
    <ul>
      {links.map(({ to, label }) => (
        <li key={to}>
          <Link
            to={to as never}
            // Who looks at test data of the ledger goes on doing so.
            search={(mode === 'test' && to.includes('/billing/') ? { mode } : {}) as never}
            activeOptions={{
              exact: to === '/' || /^\/organizations\/[^/]+$/.test(to),
              includeSearch: false,
            }}
            activeProps={{ 'aria-current': 'page' }}
          >
            {label}
          </Link>
        </li>
      ))}
    </ul>
  )
}

function Switcher({ slug }: { readonly slug: string | undefined }) {
  const { data: places = [] } = usePlaces()
  const navigate = useNavigate()
  if (!slug) return null
  const known = places.some(place => place.slug === slug) ? places : [{ slug, name: slug }, ...places]
  return (
    <select
      className="switcher"
      aria-label="Organization"
      value={slug}
      onChange={event => void navigate({ to: `/organizations/${event.target.value}` as never })}
    >
      {known.map(place => (
        <option key={place.slug} value={place.slug}>
          {place.name}
        </option>
      ))}
    </select>
  )
}
