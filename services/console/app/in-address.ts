import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Search } from './search-params.ts'

/** A choice of a page that stands in its address: whoever opens the address sees the same. Nothing chosen is ''. */
export function useInAddress(name: string): readonly [string, (value: string) => void] {
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const set = (value: string) =>
    void navigate({
      to: '.',
      search: ((now: Search) => ({ ...now, [name]: value })) as never,
      replace: true,
      resetScroll: false,
    })
  return [search[name] ?? '', set]
}
