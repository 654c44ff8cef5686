import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Search } from './search-params.ts'

/**
 * A choice of a page that stands in its address: whoever opens the address sees the same. Nothing chosen is ''. A function gets the
 * choice as the address has it then: of two changes in one moment the second would else undo the first.
 */
export function useInAddress(
  name: string,
): readonly [string, (next: string | ((now: string) => string)) => void] {
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const set = (next: string | ((now: string) => string)) =>
    void navigate({
      to: '.',
      search: ((now: Search) => ({
        ...now,
        [name]: typeof next === 'function' ? next(now[name] ?? '') : next,
      })) as never,
      replace: true,
      resetScroll: false,
    })
  return [search[name] ?? '', set]
}
