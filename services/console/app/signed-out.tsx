import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { ProblemError } from './call.ts'
import { signInPath, useMe } from './session.ts'

/**
 * Shows its children to a person who is signed in, and leads everyone else to the sign-in page. A person whose session ends on a page
 * gets a link to the sign-in page, and what they typed stays.
 */
export function SignedOut({ children }: { readonly children: ReactNode }) {
  const { error, data } = useMe()
  const queries = useQueryClient()
  useEffect(
    () =>
      // A session that ends while one looks: the next answer of any page says so.
      queries.getQueryCache().subscribe(({ query, type }) => {
        const isOver =
          type === 'updated' && query.queryKey[0] !== 'me' && isUnauthenticated(query.state.error)
        if (isOver) void queries.invalidateQueries({ queryKey: ['me'] })
      }),
    [queries],
  )
  const isOut = isUnauthenticated(error)
  const wasNeverIn = isOut && data === undefined
  useEffect(() => {
    if (wasNeverIn) location.replace(signInPath())
  }, [wasNeverIn])
  if (!isOut) return children
  if (wasNeverIn) return <p className="muted page">You are not signed in: to the sign-in page …</p>
  return (
    <>
      <div className="note bad" role="alert">
        <p>
          <strong>Your session has ended.</strong> <a href={signInPath()}>Sign in</a> to go on here.
        </p>
      </div>
      {children}
    </>
  )
}

const isUnauthenticated = (error: Error | null): boolean =>
  error instanceof ProblemError && error.problem.code === 'unauthenticated'
