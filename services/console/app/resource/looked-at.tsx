import { Time } from '../time.tsx'
import type { Page } from './resource.ts'

interface LookedAtProps {
  readonly pages: readonly Page<unknown>[]
  readonly more: () => void
  readonly loading: boolean
}

/** With a filter that no index serves: how many rows were looked at, and how far, with a way to go on. */
export function LookedAt({ pages, more, loading }: LookedAtProps) {
  const searched = pages.at(-1)?.searched
  if (!searched) return null
  const count = pages.reduce((sum, page) => sum + (page.searched?.count ?? page.items.length), 0)
  return (
    <p className="note row" role="status">
      <span>
        Looked at {count.toLocaleString('en')}, as far as <Time at={searched.until} />. There is more.
      </span>
      <button type="button" className="button small" disabled={loading} onClick={more}>
        {loading ? 'Looking …' : 'Look further'}
      </button>
    </p>
  )
}
