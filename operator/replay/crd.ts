import { column, customResource, type Json } from '../crd-schema.ts'
import { replaySchema } from './schema.ts'
import { statusSchema } from './status-schema.ts'

/** The CustomResourceDefinition of Replay. */
export function replayCrd(): Json {
  return customResource({
    kind: 'Replay',
    plural: 'replays',
    singular: 'replay',
    shortNames: ['rpl'],
    schema: replaySchema,
    status: statusSchema,
    columns: [
      column('Organization', 'string', '.spec.organization', 'Whose events are delivered again'),
      column('Phase', 'string', '.status.phase', 'Where it stands'),
      column('Reason', 'string', '.status.conditions[?(@.type=="Ready")].reason', 'Why, in one word', 1),
      column('Matched', 'integer', '.status.matched', 'Deliveries to make'),
      column('Done', 'string', '.status.done', 'Handed to the workers, of those matched'),
      column('Delivered', 'integer', '.status.delivered', 'Deliveries that arrived'),
      column('Failed', 'integer', '.status.failed', 'Deliveries that used up their attempts'),
      column('Rate', 'integer', '.spec.ratePerSecond', 'Deliveries a second, at most', 1),
      column('Age', 'date', '.metadata.creationTimestamp', 'Since when it is there'),
    ],
  })
}
