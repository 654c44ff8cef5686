import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What all sources of the hostile suite verify with. */
export const tenantSecret = 'test-only-hostile-secret'

/** The organization that is attacked beside; it does nothing wrong. */
export const victim = 'victim'
/** An organization with everything that a tenant may configure to hurt others. */
export const attacker = 'mallory'
/** An organization of that tenant whose refusals are explained with a hundred sources. */
export const puzzle = 'puzzle'

/** Destinations that can't be delivered to, beside the victim's host. */
const brokenDestinations = 60

const secret = (organization: string, data: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: `${organization}-secrets` },
  stringData: data,
})

const secretRef = (organization: string, key: string) => ({ name: `${organization}-secrets`, key })

const source = (organization: string, name: string, provider: string, key?: string, options?: object) => ({
  name,
  provider,
  ...(key && { secrets: [{ secretRef: secretRef(organization, key) }] }),
  ...(options && { options }),
})

function organization(name: string, spec: object): object {
  return { apiVersion: 'fairlead.dev/v1alpha1', kind: 'Organization', metadata: { name }, spec }
}

/** A closed port, a Secret that holds no certificate, credentials that nobody gives: each at the victim's own host. */
function brokenDestination(n: number, arrivalsPort: number, closedPort: number): object {
  const common = { name: `broken-${n}`, allowInsecureHttp: true, timeoutSeconds: 2 }
  switch (n % 3) {
    case 0:
      return { ...common, url: `http://127.0.0.1:${closedPort}/${n}` }
    case 1: {
      const certificateRef = secretRef(attacker, 'token')
      const auth = [{ mtls: { certificateRef, keyRef: certificateRef } }]
      return { ...common, url: `https://127.0.0.1:${arrivalsPort}/${n}`, auth }
    }
    default: {
      const oauth2 = {
        tokenUrl: `https://127.0.0.1:${closedPort}/token`,
        clientId: 'mallory',
        clientSecretRef: secretRef(attacker, 'token'),
      }
      return { ...common, url: `http://127.0.0.1:${arrivalsPort}/${n}`, auth: [{ oauth2 }] }
    }
  }
}

/** Where the tenants' destinations are. */
export interface Ports {
  /** Of the victim's destination; it takes everything. */
  readonly arrivals: number
  /** Of the attacker's own destination that works. */
  readonly attackerArrivals: number
  /** Nobody listens there. */
  readonly closed: number
}

function attackersOrganization({ arrivals, attackerArrivals, closed }: Ports): object {
  const broken = Array.from({ length: brokenDestinations }, (_, n) => brokenDestination(n, arrivals, closed))
  const own = { name: 'own', url: `http://127.0.0.1:${attackerArrivals}/`, allowInsecureHttp: true }
  return organization(attacker, {
    sources: [
      source(attacker, 'github', 'github', 'token'),
      source(attacker, 'breaking', 'github', 'token'),
      source(attacker, 'braintree', 'braintree', 'token', { publicKey: 'test' }),
      source(attacker, 'twilio', 'twilio', 'token'),
      source(attacker, 'adyen', 'adyen', 'hex'),
      source(attacker, 'mailgun', 'mailgun', 'token'),
      source(attacker, 'sns', 'aws-sns'),
      source(attacker, 'paypal', 'paypal', undefined, { webhookId: 'TEST0WEBHOOK' }),
    ],
    destinations: [own, ...broken],
    routes: [
      { source: 'github', destinations: ['own'] },
      ...[0, 20, 40].map(first => ({
        source: 'breaking',
        destinations: Array.from({ length: 20 }, (_, n) => `broken-${first + n}`),
      })),
    ],
  })
}

/** Writes the tenants as files; answers their folder. YAML reads JSON. */
export async function writeTenants(folder: string, ports: Ports): Promise<string> {
  const organizations = join(folder, 'organizations')
  await mkdir(organizations)
  const write = (name: string, ...documents: object[]) =>
    writeFile(
      join(organizations, `${name}.yaml`),
      documents.map(document => JSON.stringify(document)).join('\n---\n'),
    )
  await write(
    victim,
    secret(victim, { token: tenantSecret }),
    organization(victim, {
      sources: [source(victim, 'github', 'github', 'token')],
      destinations: [
        { name: 'arrivals', url: `http://127.0.0.1:${ports.arrivals}/`, allowInsecureHttp: true },
      ],
      routes: [{ source: 'github', destinations: ['arrivals'] }],
    }),
  )
  await write(
    attacker,
    secret(attacker, { token: tenantSecret, hex: 'ab'.repeat(32) }),
    attackersOrganization(ports),
  )
  await write(
    puzzle,
    secret(puzzle, { token: tenantSecret }),
    organization(puzzle, {
      sources: Array.from({ length: 100 }, (_, n) => source(puzzle, `twilio-${n}`, 'twilio', 'token')),
    }),
  )
  return organizations
}
