import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import { compileRoutes } from '@fairlead/webhook/match'
import { retryPresets } from '@fairlead/webhook/settle'
import { DeliveryState, Trigger } from '@fairlead/wire/store/event'
import type { Organization } from '@fairlead/wire/store/organization'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import { readArguments, readNumber } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { type PlannedEvent, planEvents, type Setting } from './seed/plan.ts'
import { seededRandom } from './seed/random.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead seed [--organization S] [--events N] [--days D] [--seed TEXT]

Fills the event log of an organization with a believable fortnight: events of
its own sources, sent where its own routes say, some of them retried, some
dead. Nothing is delivered, and no bodies are kept. The same again within the
hour adds nothing.

  -o, --organization S   the organization's slug; default acme
  -n, --events N         how many, 1 to 200000; default 5000
  --days D               over how many days, 1 to 90; default 14, and never
                         longer than the organization keeps events
  --seed TEXT            the same text gives the same events; default: fairlead
  --store-url URL        the store's gRPC address; default $FAIRLEAD_STORE_URL,
                         else that of the npm start here, else
                         http://localhost:50051

The store's token is $FAIRLEAD_STORE_TOKEN, else that of the npm start here.`

const dayMs = 86_400_000
const hourMs = 3_600_000
/** Events of one call: each call is one transaction. */
const batchSize = 500

export async function seed(args: readonly string[]): Promise<number> {
  const { values } = readArguments(usage, args, {
    organization: { type: 'string', short: 'o' },
    events: { type: 'string', short: 'n' },
    days: { type: 'string' },
    seed: { type: 'string' },
    'store-url': { type: 'string' },
  })
  const count = readNumber(usage, 'events', values.events, { least: 1, most: 200_000, otherwise: 5_000 })
  const days = readNumber(usage, 'days', values.days, { least: 1, most: 90, otherwise: 14 })
  const slug = values.organization ?? process.env.FAIRLEAD_ORGANIZATION ?? 'acme'
  const here = findStore(process.env)
  const url = values['store-url'] ?? here.url
  await using store = connectStore(url, { token: here.token })
  const terminal = openTerminal()
  try {
    const organization = await findOrganization(store, slug)
    const setting = await readSetting(store, organization.id)
    // Whole hours: who does it again within one gets the very same.
    const untilMs = Math.floor(Date.now() / hourMs) * hourMs
    const kept = Math.min(days, organization.retentionDays)
    if (kept < days) terminal.note(`${slug} keeps events for ${kept} days, so these are the last ${kept}.`)
    // An hour less than that: the oldest must not expire on their way.
    const extent = { fromMs: untilMs - kept * dayMs + hourMs, untilMs, count }
    const name = values.seed ?? 'fairlead'
    const plan = planEvents(setting, extent, seededRandom(name))
    await createAll(store, organization, name, plan, terminal)
  } catch (error) {
    throw explain(error, url)
  }
  return exitCode.ok
}

/** The store of the environment, or of the npm start here, which keeps its URL and its token in its folder. */
function findStore(env: NodeJS.ProcessEnv): { readonly url: string; readonly token: string | undefined } {
  const homes = env.FAIRLEAD_HOME
    ? [env.FAIRLEAD_HOME]
    : ['.fairlead', fileURLToPath(new URL('../.fairlead', import.meta.url))]
  const kept = (name: string) => {
    for (const home of homes) {
      try {
        return readFileSync(join(home, name), 'utf8').trim()
      } catch {
        // npm start does not run there, or is another user's.
      }
    }
    return undefined
  }
  return {
    url: env.FAIRLEAD_STORE_URL ?? kept('store-url') ?? 'http://localhost:50051',
    token: env.FAIRLEAD_STORE_TOKEN ?? kept('store-token'),
  }
}

async function findOrganization(store: StoreClient, slug: string): Promise<Organization> {
  const { organization } = await store.organizations.getOrganization({ by: { case: 'slug', value: slug } })
  if (!organization) throw new TypeError('the store answered without the organization')
  return organization
}

async function readSetting(store: StoreClient, organizationId: string): Promise<Setting> {
  const which = { organizationId }
  const [{ sources }, { destinations }, { routes }] = await Promise.all([
    store.sources.listSources(which),
    store.destinations.listDestinations(which),
    store.routes.listRoutes(which),
  ])
  if (sources.length === 0)
    throw new CommandError('This organization has no source that events could come from.')
  return {
    sources: sources.map(({ name, settings }) => ({ name, provider: settings?.provider ?? '' })),
    destinations: destinations.map(({ name, settings }) => ({
      name,
      retryDelaysMs: settings?.retry?.delaysSeconds.map(seconds => seconds * 1000) ?? retryPresets.default,
      timeoutMs: (settings?.timeoutSeconds || 15) * 1000,
    })),
    match: compileRoutes(
      routes.flatMap(({ settings }) =>
        settings
          ? [{ ...settings, eventTypes: settings.eventTypes.length > 0 ? settings.eventTypes : ['*'] }]
          : [],
      ),
    ),
  }
}

async function createAll(
  store: StoreClient,
  organization: Organization,
  name: string,
  plan: readonly PlannedEvent[],
  terminal: Terminal,
): Promise<void> {
  const startedAt = performance.now()
  let created = 0
  for (let at = 0; at < plan.length; at += batchSize) {
    const events = plan
      .slice(at, at + batchSize)
      .map((event, i) => requestOf(`seed ${name} ${at + i}`, event))
    const answer = await store.events.createEvents({ organizationId: organization.id, events })
    created += answer.created
    if (terminal.isTty) process.stderr.write(`\r${at + events.length} of ${plan.length} events`)
  }
  if (terminal.isTty) process.stderr.write('\r\u001b[K')
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const there = created < plan.length ? ` (${plan.length - created} were there already)` : ''
  terminal.print(`${created} events in the log of ${organization.slug}${there}, in ${seconds} s`)
  if (created === 0) return
  const deliveries = plan.flatMap(event => event.deliveries)
  const retried = deliveries.filter(({ attempts }) => attempts.length > 1).length
  const dead = deliveries.filter(({ state }) => state === 'dead').length
  terminal.print(`${deliveries.length} deliveries: ${retried} tried more than once, ${dead} dead letters`)
}

const stateOf = {
  delivered: DeliveryState.DELIVERED,
  dead: DeliveryState.DEAD,
  discarded: DeliveryState.DISCARDED,
} as const

function requestOf(providerDeliveryId: string, event: PlannedEvent) {
  return {
    source: event.source,
    providerDeliveryId,
    type: event.type,
    receivedAt: timestampFromMs(event.atMs),
    sizeBytes: BigInt(event.sizeBytes),
    deliveries: event.deliveries.map(({ destination, state, attempts }) => ({
      destination,
      state: stateOf[state],
      attempts: attempts.map(({ atMs, ...attempt }, i) => ({
        ...attempt,
        number: i + 1,
        at: timestampFromMs(atMs),
        trigger: Trigger.ROUTE,
      })),
    })),
  }
}

/** A refusal of the store, or that it can't be reached, as a sentence. */
function explain(error: unknown, url: string): unknown {
  if (!(error instanceof ConnectError)) return error
  const sentence =
    error.code === Code.Unavailable
      ? `The store doesn't answer at ${url}. Is Fairlead running? Start it with: npm start (or say where: --store-url)`
      : `The store refused: ${printable(error.rawMessage)}`
  return new CommandError(sentence, exitCode.failed, { cause: error })
}
