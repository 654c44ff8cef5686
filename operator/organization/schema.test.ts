import { expect, test } from 'vitest'
import { acceptedRows } from './accepted-rows.ts'
import { anOrganization } from './an-organization.ts'
import { faultsOf, textOfPath } from './fault.ts'
import { refusedRows } from './refused-rows.ts'
import { organizationSchema, secretSchema } from './schema.ts'

test.each(acceptedRows)('accepts $name', ({ spec }) => {
  const result = organizationSchema.safeParse(anOrganization(spec))
  expect(result.error?.issues).toBeUndefined()
})

test.each(refusedRows)('refuses $name', ({ spec, metadata, faults }) => {
  const document = anOrganization(spec, metadata)
  const result = organizationSchema.safeParse(document)
  expect(result.success).toBe(false)
  const found = faultsOf(result.error!, organizationSchema, document)
  expect(found.map(({ path, message }) => ({ path: textOfPath(path), message }))).toEqual(faults)
})

test('fills in defaults', () => {
  const { spec } = organizationSchema.parse(
    anOrganization({
      sources: [{ name: 'github', provider: 'github' }],
      destinations: [{ name: 'billing', url: 'https://billing.example.com/' }],
      routes: [{ source: 'github', destinations: ['billing'] }],
    }),
  )
  expect(spec).toMatchObject({ active: true, retentionDays: 7, members: [] })
  expect(spec.sources[0]).toMatchObject({ deduplicate: true, active: true, secrets: [] })
  expect(spec.destinations[0]).toMatchObject({
    timeoutSeconds: 15,
    paused: false,
    active: true,
    headers: [],
    retry: { preset: 'default' },
  })
  expect(spec.destinations[0]).not.toHaveProperty('concurrency')
  expect(spec.routes[0]).toMatchObject({ eventTypes: ['*'] })
})

test('takes a resource as kubectl prints it', () => {
  const printed = {
    ...anOrganization({}, { uid: 'a3f1', resourceVersion: '7', managedFields: [] }),
    status: { observedGeneration: 1 },
  }
  expect(organizationSchema.safeParse(printed).success).toBe(true)
})

test.each([
  {
    name: 'data that is no base64',
    fields: { data: { key: 'not base64!' } },
    path: 'data.key',
    message: 'must be base64 (or use stringData for plain text)',
  },
  {
    name: 'a number as a secret',
    fields: { stringData: { key: 1234 } },
    path: 'stringData.key',
    message: 'must be a text, not a number: put it in quotes',
  },
])('refuses a Secret with $name', ({ fields, path, message }) => {
  const document = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'acme' }, ...fields }
  const result = secretSchema.safeParse(document)
  const found = faultsOf(result.error!, secretSchema, document)
  expect(found.map(fault => [textOfPath(fault.path), fault.message])).toEqual([[path, message]])
})

test('a pointer of slashes and a blank is refused at once: its pattern once took 30 s for 31 slashes', () => {
  const document = anOrganization({
    sources: [{ name: 'github', provider: 'github' }],
    destinations: [{ name: 'billing', url: 'https://billing.example.com/' }],
    routes: [
      { source: 'github', destinations: ['billing'], order: { key: { pointer: `${'/'.repeat(255)} ` } } },
    ],
  })
  const start = process.cpuUsage()
  const result = organizationSchema.safeParse(document)
  // 31 slashes took 30 s, 255 would take for ever; now it is a matter of milliseconds, also of a slow processor.
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(10_000)
  expect(result.error?.issues.map(({ message }) => message)).toContain(
    'must be a JSON pointer such as /data/object/customer',
  )
})
