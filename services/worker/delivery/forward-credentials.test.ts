import { anOrganization, putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { openPlatform, startWorker } from '../fixtures/platform.ts'

test('the credential of a source reaches the destination that asks for it, and no other', async () => {
  await using opened = await openPlatform()
  const { sink } = opened
  const sketch = anOrganization('globex', {
    sources: [{ name: 'gitlab', provider: 'gitlab-token' }],
    destinations: [
      { name: 'trusted', url: `${sink.url}/trusted`, forwardCredentials: true },
      { name: 'other', url: `${sink.url}/other` },
    ],
  })
  await putConfiguration(opened.nats, sketch)
  await using _running = await startWorker(opened.server.url)
  await opened.publish('{}', {
    organization: sketch,
    source: 'gitlab',
    provider: 'gitlab-token',
    headers: ['X-Gitlab-Token', 'test-only-token', 'X-Gitlab-Event', 'Push Hook', 'Cookie', 'a=b'],
  })
  await until(() => sink.received.length === 2, { what: 'both deliveries' })
  const headersAt = (url: string) => sink.received.find(one => one.url === url)!.headers
  expect(headersAt('/trusted')).toMatchObject({
    'x-gitlab-token': 'test-only-token',
    'x-gitlab-event': 'Push Hook',
  })
  expect(headersAt('/other')).toMatchObject({ 'x-gitlab-event': 'Push Hook' })
  expect(headersAt('/other')).not.toHaveProperty('x-gitlab-token')
  for (const url of ['/trusted', '/other']) expect(headersAt(url)).not.toHaveProperty('cookie')
})
