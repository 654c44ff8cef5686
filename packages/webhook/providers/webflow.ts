import type { WebhookRequest } from '../scheme.ts'
import { openScan } from '../verify/members.ts'
import type { Provider } from './provider.ts'

/** Types that happen once to the object of `payload.id`: a form is sent, an item or page is made or deleted. */
const happensOnce: ReadonlySet<string> = new Set([
  'form_submission',
  'page_created',
  'page_deleted',
  'collection_item_created',
  'collection_item_deleted',
  'comment_created',
])
/** These payloads hold no time: stock goes to 99 and back to 100, and the body is the same as before. */
const untold: ReadonlySet<string> = new Set([
  'ecomm_inventory_changed',
  'ecomm_order_changed',
  'collection_item_unpublished',
])
const times = ['lastUpdated', 'publishedOn', 'lastPublished', 'publishTime']

const scan = openScan([
  ['triggerType'],
  ['payload', 'id'],
  ['payload', 'orderId'],
  ...times.map(name => ['payload', name]),
])

/** Undefined where the payload doesn't distinguish two occurrences. */
function occurrenceOf({ body }: WebhookRequest): string | undefined {
  const [type = '', id, order, ...found] = scan(body).values
  if (untold.has(type)) return undefined
  const told = happensOnce.has(type) ? id : type === 'ecomm_new_order' ? order : found.find(Boolean)
  return told && `${type}:${told}`
}

export const webflow: Provider = {
  name: 'webflow',
  title: 'Webflow',
  documentation: 'https://developers.webflow.com/data/docs/working-with-webhooks',
  copy: {
    what: 'Client secret of the app, or the webhook’s own secret',
    where: 'App settings, or Site settings → Apps & Integrations → Webhooks',
  },
  scheme: {
    kind: 'signature',
    algorithm: 'hmac-sha256',
    encoding: 'hex',
    headers: ['x-webflow-signature'],
    timestamp: { header: 'x-webflow-timestamp', unit: 'ms', past: null, future: null },
    content: ['{timestamp}', ':', '{body}'],
  },
  identity: {
    names: 'object',
    repeats: 'id-and-body',
    id: [{ find: occurrenceOf, text: 'what happens once to `payload.id`, else the time in `payload`' }],
    type: [{ member: 'triggerType' }],
    apart:
      'the type, the time in the payload, and what changed: payload.id is the item’s, and the same at each change. Changed stock and orders and items that are unpublished hold no time: those are never repeats, since an item may be so again',
    kept: 'the body',
    source:
      'https://developers.webflow.com/data/reference/webhooks/events/ecomm-inventory-changed and its neighbours',
  },
  answer: { text: '200' },
  retries: '3, ten minutes apart',
  notes: [
    'Webflow’s library bounds no time, its documentation says 5 minutes; set toleranceSeconds to do so.',
  ],
  sample: {
    body: '{"triggerType":"form_submission","payload":{"name":"Contact","siteId":"65427cf400e02b306eaa049c","data":{"First Name":"Ada"},"id":"6321ca84df3949bfc6752327"}}',
  },
  provenance: { scheme: 'run', by: 'webflow-api', fromMemory: ['retries', 'identity', 'copy'] },
}
