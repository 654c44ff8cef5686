import { type LedgerRebuild, listLedgerRebuilds, rebuildLedger } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { useRight } from '../session.ts'
import { Time } from '../time.tsx'
import { LedgerOffNote } from './ledger-state.tsx'

const rebuilds: Resource<LedgerRebuild> = {
  name: 'billing-rebuilds',
  title: 'Rebuilds',
  about:
    'The ledger computed anew from its facts, for repairs and for proof. The rows are the same as before, and nobody is told of any.',
  columns: [
    { title: 'State', shown: 'always', cell: ({ state }) => <StateBadge state={state} /> },
    {
      title: 'Of',
      shown: 'always',
      className: 'words',
      cell: ({ mode, fault }) => (
        <>
          <span className="strong">{mode === null ? 'live and test data' : `${mode} data`}</span>
          {fault !== null && <div className="fault">{fault}</div>}
        </>
      ),
    },
    {
      title: 'Progress',
      shown: 'always',
      cell: ({ state, objects, of }) =>
        // Objects that are only mentioned are not computed: at its end it has fewer than were counted before.
        state === 'completed' ? (
          `${objects.toLocaleString()} objects`
        ) : (
          <>
            <progress max={Math.max(of, 1)} value={objects} aria-label={`${objects} of ${of} objects`} />{' '}
            {objects.toLocaleString()} of about {of.toLocaleString()}
          </>
        ),
    },
    { title: 'By', shown: 'wide', cell: ({ createdBy }) => createdBy },
    { title: 'Began', shown: 'roomy', className: 'time', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { title: 'Ended', shown: 'wide', className: 'time', cell: ({ endedAt }) => <Time at={endedAt} /> },
  ],
  filters: [],
  toolbar: slug => <Rebuild slug={slug} />,
  load: ({ slug, cursor, signal }) =>
    take(listLedgerRebuilds(slug, { limit: 100, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ id }) => id,
  above: slug => <LedgerOffNote slug={slug} />,
  nothingYet: () => (
    <>
      <h2>The ledger was never rebuilt</h2>
      <p>It need not be: each row is computed from all facts of its object whenever one comes.</p>
    </>
  ),
  refreshMs: 2_000,
}

function Rebuild({ slug }: { readonly slug: string }) {
  return (
    <FormDialog
      label="Rebuild …"
      permission={useRight('administer', slug)}
      title="Compute the ledger anew?"
      submit="Rebuild"
      leave="Leave as it is"
      run={() => take(rebuildLedger(slug, once()))}
      queryKey={['billing-rebuilds']}
    >
      <p>
        Every row of live and test data is computed from its facts again. Lists can be read meanwhile. It goes
        on if you leave; beginning and end stand in the audit log. While one is under way, no other is begun.
      </p>
    </FormDialog>
  )
}

export const Page = () => <ResourcePage resource={rebuilds} />
