import { listRejections, type Rejection } from '@fairlead/client/gen/client'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { modeFilter, type Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'
import { pageSize } from './events.tsx'
import { PromoteAll } from './promote-all.tsx'

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
  filters: [
    { kind: 'text', name: 'source', label: 'Source', placeholder: 'name' },
    { kind: 'text', name: 'reason', label: 'Reason', placeholder: 'signature_mismatch' },
    { kind: 'time', name: 'after', label: 'After' },
    { kind: 'time', name: 'before', label: 'Before' },
    modeFilter,
  ],
  above: slug => <PromoteAll slug={slug} />,
  load: ({ slug, filters, cursor, signal }) =>
    take(listRejections(slug, { ...filters, limit: pageSize, ...(cursor && { cursor }) }, { signal })),
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
  kept: 'kept for 72 hours, at most 1,000 and 64 MiB of each source',
  refreshMs: 5_000,
}

export const Page = () => <ResourcePage resource={rejections} />
