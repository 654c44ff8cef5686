import { createHash, createHmac, randomUUID } from 'node:crypto'

/** Requests of 2 KB like GitHub's, in which every declared value is there: the most that a source can ask to be found by. */
export const loadSecret = 'test-only-load-secret'

export const declaredPointers = [
  '/ref',
  '/after',
  '/repository/id',
  '/repository/full_name',
  '/repository/owner/login',
  '/sender/login',
  '/installation/id',
  '/head_commit/id',
] as const

export const declaredHeaders = [
  'x-github-event',
  'x-github-hook-id',
  'x-github-hook-installation-target-id',
  'x-github-hook-installation-target-type',
  'x-request-id',
  'x-tenant',
  'x-region',
  'user-agent',
] as const

const bodyBytes = 2_048

/** Of 64 commits: what is declared differs from one request to the next, as it does in life, but for texts such as the branch. */
const bodies = Array.from({ length: 64 }, (_, n) => {
  const commit = createHash('sha1').update(String(n)).digest('hex')
  const opening = JSON.stringify({
    ref: 'refs/heads/main',
    after: commit,
    repository: {
      id: 1_296_269 + (n % 8),
      full_name: `acme/shop-${n % 8}`,
      owner: { login: 'acme' },
      private: true,
    },
    sender: { login: `test-only-${n % 16}`, id: n },
    installation: { id: 42 + (n % 4) },
    head_commit: { id: commit, message: 'Mend the basket', author: { name: 'Test', username: 'test-only' } },
  }).slice(0, -1)
  const padding = ',"pad":"'
  const body = `${opening}${padding}${'x'.repeat(bodyBytes - opening.length - padding.length - 2)}"}`
  return { body, signature: createHmac('sha256', loadSecret).update(body).digest('hex') }
})

const headers = {
  'content-type': 'application/json',
  'user-agent': 'GitHub-Hookshot/test',
  'x-github-event': 'push',
  'x-github-hook-id': '292430182',
  'x-github-hook-installation-target-id': '79929171',
  'x-github-hook-installation-target-type': 'repository',
  'x-tenant': 'acme',
  'x-region': 'eu-west-1',
  'content-length': String(bodyBytes),
}

/** Makes requests to one source, each with an id of its own. */
export function openRequests(url: URL): () => string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}`
  let made = 0
  return () => {
    const { body, signature } = bodies[made++ % bodies.length]!
    const id = randomUUID()
    const own = `x-hub-signature-256: sha256=${signature}\r\nx-github-delivery: ${id}\r\nx-request-id: ${id}\r\n`
    return `${head}${own}\r\n${body}`
  }
}
