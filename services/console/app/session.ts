import { getMe, getOrganization, listMembers, listOrganizations } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { take } from './call.ts'
import { type Permission, permissionOf, type Right } from './rights.ts'

export interface Place {
  readonly slug: string
  readonly name: string
}

export function usePlaces() {
  return useQuery({
    queryKey: ['places'],
    queryFn: async ({ signal }): Promise<readonly Place[]> => {
      const { items } = await take(listOrganizations({ limit: 500 }, { signal }))
      return items.map(({ slug, displayName }) => ({ slug, name: displayName }))
    },
  })
}

/** Who looks, and what this person may do. */
export function useMe() {
  return useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => take(getMe({ signal })),
    // A role that was changed counts at the API at once; here it shows within a minute.
    staleTime: 60_000,
    refetchInterval: 60_000,
  })
}

/** Whether the caller is staff of the platform, or one of its keys. */
export function useIsStaff(): boolean {
  const { data } = useMe()
  return data?.rights.includes('platform-read') ?? false
}

/** The address of an owner of an organization; undefined: not known yet, or there is none. */
export function useOwnerOf(slug: string): string | undefined {
  const { data } = useQuery({
    queryKey: ['members', slug, 'owner'],
    queryFn: async ({ signal }) => {
      const { items } = await take(listMembers(slug, { signal }))
      return items.find(({ role, active }) => role === 'owner' && active)?.email ?? ''
    },
    enabled: slug !== '',
    staleTime: 300_000,
  })
  return data || undefined
}

/** Whether an organization's ledger is on. While nobody knows yet: as it was before in this tab, or else false. */
export function useHasLedger(slug = ''): boolean {
  const { data } = useQuery({
    queryKey: ['organization', slug],
    queryFn: ({ signal }) => take(getOrganization(slug, { signal })),
    enabled: slug !== '',
    staleTime: 60_000,
  })
  const answer = data?.ledger.enabled
  useEffect(() => {
    if (answer !== undefined) rememberLedger(slug, answer)
  }, [slug, answer])
  return answer ?? rememberedLedger(slug)
}

const ledgerNameOf = (slug: string): string => `fairlead ledger of ${slug}`

/** As long as the tab is open: else the menu would change a moment after each load. A browser may keep nothing. */
function rememberLedger(slug: string, isOn: boolean): void {
  try {
    sessionStorage.setItem(ledgerNameOf(slug), String(isOn))
  } catch {}
}

function rememberedLedger(slug: string): boolean {
  try {
    return sessionStorage.getItem(ledgerNameOf(slug)) === 'true'
  } catch {
    return false
  }
}

/** Whether the person may do what asks for a right; and if not, what that takes. */
export function useRight(right: Right, slug: string): Permission {
  const { data } = useMe()
  return permissionOf(data, right, slug)
}

/** The page for signing in, which leads back to where one is. */
export function signInPath(): string {
  const { pathname, search, hash } = location
  return `/auth/sign-in?to=${encodeURIComponent(pathname + search + hash)}`
}
