import { listRejections, type Rejection } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'

const rejections: Resource<Rejection> = {
  name: 'rejections',
  title: 'Rejections',
  about: 'Requests that did not verify, newest first. Open one to read why, and what would make it pass.',
  columns: [
    {
      title: 'Reason',
      shown: 'always',
      className: 'grow',
      cell: ({ reason, detail }) => (
        <>
          <Badge tone="bad">{reason.replaceAll('_', ' ')}</Badge>
          {detail && <span className="muted"> {detail}</span>}
        </>
      ),
    },
    { title: 'Source', shown: 'always', cell: ({ source }) => source },
    { title: 'Provider', shown: 'wide', cell: ({ provider }) => provider },
    { title: 'Size', shown: 'wide', cell: ({ sizeBytes }) => `${sizeBytes.toLocaleString()} bytes` },
    {
      title: 'Received',
      shown: 'wide',
      className: 'time',
      cell: ({ receivedAt }) => <Time at={receivedAt} />,
    },
    { title: 'Ago', shown: 'always', cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
  ],
  filters: [{ kind: 'text', name: 'source', label: 'Source', placeholder: 'name' }],
  load: ({ slug, filters, signal }) => take(listRejections(slug, { ...filters, limit: 500 }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ id }) => id,
  pathOf: ({ id }, slug) => `/organizations/${slug}/rejections/${id}`,
  nothingYet: () => (
    <>
      <h2>Nothing was refused</h2>
      <p>
        A request that does not verify is kept here for a while, with the reason: a wrong secret, an old time,
        a changed byte.
      </p>
    </>
  ),
  kept: 'the newest of each source are kept for a day',
  refreshMs: 5_000,
}

export const Page = () => <ResourcePage resource={rejections} />
