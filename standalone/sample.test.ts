import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startSink } from '@fairlead/testbed/sink'
import { expect, test } from 'vitest'
import { readSample } from './sample.ts'
import { shortPath, welcomeText } from './welcome.ts'

const secret = "it's a test secret"
const organization = `
apiVersion: v1
kind: Secret
metadata: { name: acme-github, namespace: tenants }
stringData: { secret: "${secret}" }
---
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: acme, namespace: tenants }
spec:
  displayName: Acme
  sources:
    - { name: code, provider: github, secrets: [{ secretRef: { name: acme-github, key: secret } }] }
`

test('the curl that is printed sends what GitHub would send, when a shell runs it', async () => {
  await using folder = await scratchFolder()
  await using sink = await startSink({ status: 200, body: 'accepted' })
  await writeFile(join(folder.path, 'acme.yaml'), organization)
  const { curl, slug } = await readSample(folder.path, sink.url)
  expect(slug).toBe('acme')
  const { stdout } = await promisify(execFile)('sh', ['-c', `${curl} --silent`])
  expect(stdout).toBe('accepted')
  const [request] = sink.received
  expect(request).toMatchObject({ method: 'POST', url: '/webhooks/acme/code' })
  const signature = createHmac('sha256', secret).update(request!.body).digest('hex')
  expect(request?.headers).toMatchObject({
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': expect.stringMatching(/^\d{10}-\d+-/),
    'x-hub-signature-256': `sha256=${signature}`,
  })
})

test('without a GitHub source there is nothing to paste, and the welcome says so', async () => {
  await using folder = await scratchFolder()
  const sample = await readSample(folder.path, 'http://127.0.0.1:8080')
  expect(sample).toEqual({ curl: undefined, slug: undefined })
  const text = welcomeText({
    receiverUrl: 'http://127.0.0.1:8080',
    apiUrl: 'http://127.0.0.1:8081',
    metricsUrl: 'http://127.0.0.1:9090',
    storeUrl: 'http://127.0.0.1:50051',
    echoUrl: 'http://127.0.0.1:9999',
    signInUrl: undefined,
    home: '.fairlead',
    organizations: 'my/organizations',
    ...sample,
  })
  expect(text).toContain('No Organization in my/organizations has a GitHub source to try')
  expect(text).toContain('http://127.0.0.1:9999; the samples say 8082: change their url')
  expect(text.split('\n').at(-1)).toBe('Fairlead is ready')
})

test.each([
  ['/a/checkout/.fairlead', '.fairlead'],
  ['/elsewhere', '/elsewhere'],
  ['/a/checkout', '/a/checkout'],
])('%s is written as %s', (path, short) => {
  expect(shortPath(path, '/a/checkout')).toBe(short)
})
