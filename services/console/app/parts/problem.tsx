import { ProblemError } from '../call.ts'
import { signInPath } from '../session.ts'
import { CopyButton } from './copy.tsx'

/** What went wrong, in the API's own sentence, with the request's id to copy. */
export function ProblemNote({
  error,
  again,
  nameOf = name => name,
}: {
  readonly error: Error
  readonly again?: () => void
  /** What a field is called before its fault; empty: the fault itself says where it is. Default: as the API calls it. */
  readonly nameOf?: ((name: string) => string) | undefined
}) {
  const problem = error instanceof ProblemError ? error.problem : undefined
  const requestId = error instanceof ProblemError ? error.requestId : undefined
  return (
    <div className="note bad" role="alert">
      <p>
        <strong>{titleOf(problem?.code)}</strong> {problem?.detail ?? error.message}
      </p>
      {problem?.errors && (
        <ul>
          {problem.errors.map(({ in: where, name, message }) => (
            <li key={`${where} ${name} ${message}`}>
              {nameOf(name) && <code>{nameOf(name)}</code>} {message}
            </li>
          ))}
        </ul>
      )}
      <p className="row">
        {again && (
          <button type="button" className="button small" onClick={again}>
            Try again
          </button>
        )}
        {problem?.code === 'proof_too_old' && (
          <a className="button small" href={signInPath()}>
            Sign in again
          </a>
        )}
        {requestId && (
          <>
            <span className="muted">
              Request <code>{requestId}</code>
            </span>
            <CopyButton text={requestId} label="Copy request id" />
          </>
        )}
      </p>
    </div>
  )
}

function titleOf(code: string | undefined): string {
  switch (code) {
    case 'forbidden':
      return 'Not permitted.'
    case 'not_found':
      return 'Not found.'
    case undefined:
      return 'Not reached.'
    default:
      return 'Refused.'
  }
}
