import { listOrganizations } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { take } from './call.ts'

/** What an operation may ask of its caller, see services/api/rights.ts. */
export type Right = 'read' | 'operate' | 'administer' | 'own' | 'platform-read' | 'platform'

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

/** Whether the person may do what asks for a right; and if not, who may. */
export function useRight(_right: Right, _slug: string): { readonly may: boolean; readonly who: string } {
  return { may: true, who: '' }
}
