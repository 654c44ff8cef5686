import { acknowledgeIssue, type Issue, reopenIssue, resolveIssue } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import type { Action } from '../resource/resource.ts'

/** What can be said of an issue without more words. */
export const issueActions: readonly Action<Pick<Issue, 'id' | 'state'>>[] = [
  {
    label: 'Acknowledge',
    key: 'a',
    right: 'operate',
    applies: ({ state }) => state === 'open',
    run: ({ id }, slug) => take(acknowledgeIssue(slug, id, once())),
    done: () => 'Acknowledged',
  },
  {
    label: 'Resolve',
    key: 'e',
    right: 'operate',
    applies: ({ state }) => state === 'open' || state === 'acknowledged',
    run: ({ id }, slug) => take(resolveIssue(slug, id, once())),
    done: () => 'Resolved',
  },
  {
    label: 'Reopen',
    key: 'a',
    right: 'operate',
    applies: ({ state }) => state === 'resolved' || state === 'ignored',
    run: ({ id }, slug) => take(reopenIssue(slug, id, once())),
    done: () => 'Open again',
  },
]
