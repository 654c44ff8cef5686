import { createHash, createHmac } from 'node:crypto'
import { apiKeyText, shownApiKey } from '@fairlead/wire/api-key'
import { MemberRole } from '@fairlead/wire/store/member'
import { type ProbeSource, probers } from './sign.ts'

/**
 * The secrets of the prober's organizations. They are derived from one key, so that nothing has to be kept and a prober that
 * is started anew knows them.
 */
export interface Identity {
  readonly slug: string
  readonly sourceSecrets: Readonly<Record<ProbeSource, string>>
  readonly signingKey: string
  readonly apiKey: string
}

/** Of organizations of the prober; a number follows. */
export const slugPrefix = 'fairlead-probe-'
/** The display name and the plan of each: by them the prober knows its own. */
export const probersName = 'Probes of the platform'
export const probersPlan = 'platform'

/** An identity, by a number. @param key FAIRLEAD_PROBER_KEY */
export function identityOf(key: string, slug: string): Identity {
  const bytes = (what: string) => createHmac('sha256', key).update(`${slug} ${what}`).digest()
  return {
    slug,
    sourceSecrets: {
      github: bytes('github').toString('hex'),
      stripe: `whsec_${bytes('stripe').toString('hex')}`,
      shopify: bytes('shopify').toString('hex'),
      'standard-webhooks': `whsec_${bytes('standard-webhooks').toString('base64')}`,
    },
    signingKey: `whsec_${bytes('signing').toString('base64')}`,
    apiKey: apiKeyText('sk_live_fl_', bytes('api')),
  }
}

/**
 * What the store is asked to have in force: four sources, and two destinations: the prober's own address, and messages. Probes
 * of one provider are delivered in order, those of another also as messages.
 *
 * @param sinkUrl where workers reach the prober
 */
export function desiredOrganization({ slug, sourceSecrets, signingKey, apiKey }: Identity, sinkUrl: string) {
  // Half a minute at most between two attempts: so soon after the prober came back, what waited for it arrives.
  const retry = { delaysSeconds: [1, 2, 5, 10, 15, 30, 30, 30, 30, 30, 30] }
  const http = {
    name: 'arrivals',
    settings: { url: `${sinkUrl}/arrivals/${slug}`, retry, timeoutSeconds: 5 },
  }
  const route = (source: ProbeSource, destinations: string[]) => ({
    settings: { source, destinations, eventTypes: ['*'] },
  })
  return {
    slug,
    displayName: probersName,
    plan: probersPlan,
    retentionDays: 1,
    sources: probers.map(source => ({
      name: source,
      // The receipt of a probe is linked to its span, where traces are kept.
      settings: { provider: source, deduplicate: true, active: true, trustTraceparent: true },
      secrets: [{ id: 'derived', value: sourceSecrets[source] }],
    })),
    destinations: [http, { name: 'messages', settings: { nats: true, retry } }],
    routes: [
      route('github', ['arrivals', 'messages']),
      route('shopify', ['arrivals']),
      route('standard-webhooks', ['arrivals']),
      {
        settings: {
          ...route('stripe', ['arrivals']).settings,
          order: { key: { case: 'pointer' as const, value: '/partition' }, maxWaitSeconds: 60 },
        },
      },
    ],
    signingSecrets: [{ id: 'derived', value: signingKey }],
    apiKeys: [
      {
        name: 'prober',
        role: MemberRole.VIEWER,
        prefix: shownApiKey(apiKey),
        sha256: new Uint8Array(createHash('sha256').update(apiKey).digest()),
      },
    ],
  }
}
