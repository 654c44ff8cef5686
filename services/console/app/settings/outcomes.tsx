import type { DryRun, Problem } from '@fairlead/client/gen/client'
import { visible } from '../body/received.ts'
import { CopyButton } from '../parts/copy.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import type { Draft } from './draft.ts'
import type { Setting } from './settings-kind.ts'

/** What a write would change, field by field. */
export function Changes({ run }: { readonly run: DryRun }) {
  if (run.changes.length === 0) return <p className="note">Nothing would change.</p>
  return (
    <ScrollX label="What would change">
      <table className="plain comparison">
        <caption>This would change; secrets are told by a fingerprint</caption>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Now</th>
            <th scope="col">Then</th>
          </tr>
        </thead>
        <tbody>
          {run.changes.map(({ field, before, after }) => (
            <tr key={field}>
              <th scope="row">{field}</th>
              <td className="free">{said(before)}</td>
              <td className="free">{said(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  )
}

/** What is declared elsewhere is changed there: here is the change. */
export function PatchNote({ problem }: { readonly problem: Problem }) {
  const { resource, patch = '' } = problem
  return (
    <div className="note warn" role="alert">
      <p>
        <strong>
          Declared by {resource?.kind} {resource?.namespace ? `${resource.namespace}/` : ''}
          {resource?.name}
        </strong>
        {resource?.file && <> in {resource.file}</>}. This is the change, to paste there:
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller must be reachable by keyboard */}
      <pre className="patch" tabIndex={0}>
        {visible(patch)}
      </pre>
      <p className="row">
        <CopyButton text={patch} label="Copy the patch" />
      </p>
    </div>
  )
}

/** Somebody else's change came first: both are shown, and nothing is written over unseen. */
export function Overtaken({
  mine,
  current,
  insist,
}: {
  readonly mine: Draft
  readonly current: Partial<Setting> | undefined
  readonly insist: (etag: string) => void
}) {
  if (!current?.settings || !current.etag) {
    return (
      <p className="note bad" role="alert">
        It is no longer there: somebody deleted it meanwhile.
      </p>
    )
  }
  const { settings: theirs, etag } = current
  const differing = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].filter(
    name => JSON.stringify(mine[name]) !== JSON.stringify(theirs[name]),
  )
  return (
    <div className="note warn" role="alert">
      <p>
        <strong>Somebody else changed it meanwhile.</strong> Nothing was written. These fields differ now:
      </p>
      <table className="plain comparison">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Theirs</th>
            <th scope="col">Yours</th>
          </tr>
        </thead>
        <tbody>
          {differing.map(name => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="free">{said(theirs[name])}</td>
              <td className="free">{said(hidden(mine[name]))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="row">
        <button type="button" className="button" onClick={() => insist(etag)}>
          Write yours over theirs
        </button>
      </p>
    </div>
  )
}

const secretNames = new Set(['value', 'password', 'token', 'key', 'certificate', 'clientSecret'])

/** Without the secrets that were typed. */
function hidden(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (name, inner: unknown) =>
      secretNames.has(name) && typeof inner === 'string' ? '(a new one)' : inner,
    ),
  )
}

function said(value: unknown): string {
  if (value === undefined || value === null) return '–'
  return visible(typeof value === 'string' ? value : JSON.stringify(value))
}
