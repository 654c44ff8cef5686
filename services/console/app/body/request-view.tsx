import { BodyView } from './body-view.tsx'
import { type Received, visible } from './received.ts'

/** A received request: line, headers, body. */
export function RequestView({
  request,
  expired,
}: {
  readonly request: Received
  readonly expired?: boolean
}) {
  return (
    <>
      <p className="request-line">
        <code>
          {request.method} {visible(request.url)}
        </code>
      </p>
      <details open={Object.keys(request.headers).length <= 12}>
        <summary>{Object.keys(request.headers).length} headers</summary>
        <HeaderList headers={request.headers} />
      </details>
      <BodyView request={request} expired={expired ?? false} />
    </>
  )
}

export function HeaderList({ headers }: { readonly headers: Readonly<Record<string, string>> }) {
  return (
    <dl className="headers">
      {Object.entries(headers).map(([name, value]) => (
        <div key={name}>
          <dt>{visible(name)}</dt>
          <dd>{visible(value)}</dd>
        </div>
      ))}
    </dl>
  )
}
