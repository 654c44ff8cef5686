import { anOrganization, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { openKeyring } from '@fairlead/wire/seal'
import { expect, test } from 'vitest'
import { openDirectory } from './directory.ts'

const slow = { perSecond: 1, burst: 5 }
const sketch = {
  rateLimit: slow,
  sources: [
    { name: 'github', provider: 'github', secrets: ['test-secret'] },
    { name: 'limited', provider: 'github', secrets: ['test-secret'], rateLimit: slow },
  ],
}
const acme = anOrganization('acme', sketch)

function openTestDirectory() {
  const directory = openDirectory({
    keyring: openKeyring(testEncryptionKeys),
    fetchKey: async () => Promise.reject(new Error('nothing is fetched in this test')),
    fault(_config, _source, error) {
      throw error
    },
    now: () => 0,
  })
  directory.put(acme, 1)
  const find = (source: string, slug = 'acme') => {
    const found = directory.find(slug, source)
    if (typeof found !== 'object') throw new Error(`no usable source ${source}`)
    return found
  }
  /** How many more requests the organization and the source allow now, and how many more rejections and repeats are kept. */
  const left = (source: string, slug?: string) => {
    const { bucket, organization, rejectionBucket, repeatBucket } = find(source, slug)
    return [organization.bucket, bucket, rejectionBucket, repeatBucket].map(each => each?.level(0))
  }
  return { directory, find, left }
}

function drain(source: ReturnType<ReturnType<typeof openTestDirectory>['find']>): void {
  const { organization, bucket: own, rejectionBucket, repeatBucket } = source
  for (const bucket of [organization.bucket, own, rejectionBucket, repeatBucket]) {
    while (bucket?.take(0) === 0) {
      // Until it is empty.
    }
  }
}

test.each<[string, typeof acme, string]>([
  ['a pause', { ...acme, active: false }, 'acme'],
  ['a larger burst', { ...acme, rateLimit: { perSecond: 1, burst: 500 } }, 'acme'],
  ['another rate', { ...acme, rateLimit: { perSecond: 5, burst: 5 } }, 'acme'],
  ['another slug', { ...acme, slug: 'acme-two' }, 'acme-two'],
  ['a destination less', { ...acme, destinations: [] }, 'acme'],
])('a write of the configuration refills no bucket: %s', (_name, changed, slug) => {
  const { directory, find, left } = openTestDirectory()
  drain(find('limited'))
  directory.put(changed, 2)
  expect(left('limited', slug)).toEqual([0, 0, 0, 0])
  expect(left('github', slug)).toEqual([0, undefined, 20, 100])
})

test('an organization that takes over a slug takes over no bucket', () => {
  const { directory, find, left } = openTestDirectory()
  drain(find('limited'))
  directory.remove(acme.id)
  directory.put(anOrganization('acme', sketch), 1)
  expect(left('limited')).toEqual([5, 5, 20, 100])
})
