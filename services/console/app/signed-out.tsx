import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { ProblemError } from './call.ts'
import { usePlaces } from './session.ts'

/** Its children for who is signed in; for others the way in. */
export function SignedOut({ children }: { readonly children: ReactNode }) {
  const { error } = usePlaces()
  const queries = useQueryClient()
  useEffect(
    () =>
      // A session that ends while one looks: the next answer of any page says so.
      queries.getQueryCache().subscribe(({ query, type }) => {
        const isOver =
          type === 'updated' && query.queryKey[0] !== 'places' && isUnauthenticated(query.state.error)
        if (isOver) void queries.invalidateQueries({ queryKey: ['places'] })
      }),
    [queries],
  )
  if (!isUnauthenticated(error)) return children
  return (
    <section className="page">
      <h1>You are not signed in</h1>
      <p>Or your session has ended. A link and a code come by mail; there are no passwords.</p>
      <p>
        <a className="button primary" href="/auth/sign-in">
          Sign in
        </a>
      </p>
    </section>
  )
}

const isUnauthenticated = (error: Error | null): boolean =>
  error instanceof ProblemError && error.problem.code === 'unauthenticated'
