import { useMemo } from 'react'
import { useInAddress } from '../in-address.ts'
import { CopyButton } from '../parts/copy.tsx'
import { Lines, plainLines, prettyLines } from './lines.tsx'
import { bytesOf, hexLines, type Received } from './received.ts'

type View = 'pretty' | 'raw'

/** A captured body: formatted, or the received bytes. Text only, whatever it holds. */
export function BodyView({
  request,
  expired = false,
}: {
  readonly request: Received
  readonly expired?: boolean
}) {
  const [chosen, choose] = useInAddress('body')
  const view: View = chosen === 'raw' ? 'raw' : 'pretty'
  const { body, bodyEncoding, sizeBytes } = request
  const isText = bodyEncoding === 'utf-8'
  const lines = useMemo(() => {
    if (body === null) return []
    if (!isText) return hexLines(bytesOf({ body, bodyEncoding })).flatMap(plainLines)
    return view === 'pretty' ? prettyLines(body).lines : plainLines(body)
  }, [body, bodyEncoding, isText, view])
  if (body === null) {
    return (
      <p className="note">
        {expired
          ? 'The body is older than what is kept (7 days; 30 for dead letters).'
          : `The body (${sizeBytes} bytes) was not kept: too large, or it holds a secret.`}
      </p>
    )
  }
  if (body === '') return <p className="note">The request had no body.</p>
  return (
    <div>
      <div className="row toolbar">
        {isText && (
          <fieldset className="tabs">
            <legend className="visually-hidden">View of the body</legend>
            {(['pretty', 'raw'] as const).map(each => (
              <button
                key={each}
                type="button"
                className="tab"
                aria-pressed={view === each}
                onClick={() => choose(each === 'raw' ? 'raw' : '')}
              >
                {each === 'pretty' ? 'Pretty' : 'Raw'}
              </button>
            ))}
          </fieldset>
        )}
        <span className="muted">
          {sizeBytes.toLocaleString()} bytes{isText ? '' : ', not text'}
        </span>
        {isText && <CopyButton text={body} label="Copy body" />}
        <button type="button" className="button small" onClick={() => download(request)}>
          Download
        </button>
      </div>
      <Lines lines={lines} label={view === 'pretty' ? 'Body, formatted' : 'Body, as received'} />
    </div>
  )
}

/** As a file of bytes that no browser opens. */
function download(request: Received): void {
  const url = URL.createObjectURL(new Blob([bytesOf(request)], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = 'body.bin'
  link.click()
  URL.revokeObjectURL(url)
}
