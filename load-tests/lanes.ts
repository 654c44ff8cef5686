import { randomBytes } from 'node:crypto'
import { newId } from '@fairlead/webhook/id'
import type { OrganizationConfig } from '@fairlead/wire/config'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { openDirectory } from '@fairlead/worker/directory'
import { openHosts } from '@fairlead/worker/lanes/host-breaker'
import { Lane } from '@fairlead/worker/lanes/lane'

/**
 * What a worker's memory holds for destinations, in bytes each: the configuration that it knows of, always; and a lane,
 * while there is something in it or to remember. Lanes that are idle for a minute are forgotten.
 *
 *   node --expose-gc load-tests/lanes.ts [destinations, default 100000] [organizations, default 10000]
 */
const destinations = Number(process.argv[2] ?? 100_000)
const organizations = Number(process.argv[3] ?? 10_000)
const perOrganization = Math.ceil(destinations / organizations)
const keyring = openKeyring(`test:${randomBytes(32).toString('base64')}`)

function organization(index: number): OrganizationConfig {
  const id = newId('org', Date.now())
  const names = Array.from({ length: perOrganization }, (_, i) => `destination-${i}`)
  return {
    id,
    slug: `organization-${index}`,
    active: true,
    weight: 1,
    quotaExceeded: false,
    signingSecrets: [
      {
        id: 'one',
        sealed: keyring.seal(`whsec_${randomBytes(32).toString('base64')}`, sealContext.signingSecret(id)),
      },
    ],
    sources: [
      {
        id: newId('src', Date.now()),
        name: 'stripe',
        provider: 'stripe',
        options: {},
        secrets: [],
        deduplicate: true,
      },
    ],
    destinations: names.map(name => ({
      id: newId('dst', Date.now()),
      name,
      kind: 'http',
      url: `https://${name}.organization-${index}.example/hooks`,
      processor: '',
      timeoutSeconds: 15,
      concurrency: 10,
      retryDelaysSeconds: [60, 300, 900],
      paused: false,
      headers: [],
    })),
    routes: [{ id: newId('rte', Date.now()), source: '*', eventTypes: ['*'], destinations: names }],
  }
}

function held(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const beforeConfig = held()
const directory = openDirectory(keyring, () => {})
for (let i = 0; i < organizations; i++) directory.put(organization(i), i + 1)
const afterConfig = held()

const hosts = openHosts()
const owners = Array.from({ length: organizations }, () => newId('org', Date.now()))
const beforeLanes = held()
const lanes = Array.from({ length: destinations }, (_, i) => {
  const owner = owners[i % owners.length]!
  const lane = new Lane({ concurrency: 10, paused: false }, hosts.host(`https://${owner}.example`), owner)
  lane.ask(0)
  return lane
})
const afterLanes = held()

const each = (bytes: number, count: number) => Math.round(bytes / count)
const total = organizations * perOrganization
console.log(`${total} destinations in ${organizations} organizations`)
console.log(
  `configuration: ${((afterConfig - beforeConfig) / 1024 ** 2).toFixed(0)} MiB, ${each(afterConfig - beforeConfig, total)} bytes a destination`,
)
console.log(
  `lanes that are all busy: ${((afterLanes - beforeLanes) / 1024 ** 2).toFixed(0)} MiB, ${each(afterLanes - beforeLanes, lanes.length)} bytes a lane; idle ones: 0`,
)
console.log(`the whole process: ${(process.memoryUsage().rss / 1024 ** 2).toFixed(0)} MiB resident`)
