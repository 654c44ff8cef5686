import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findGrpcurl } from '@fairlead/testbed/grpcurl'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { afterAll, beforeAll, expect, test } from 'vitest'

let store: TestStore
let program: string
beforeAll(async () => {
  ;[store, program] = await Promise.all([startTestStore(), findGrpcurl()])
}, 300_000)
afterAll(() => store[Symbol.asyncDispose]())

/** Runs grpcurl as a person would, without proto files. */
async function grpcurl(words: string[], data?: string): Promise<string> {
  const given = data === undefined ? [] : ['-d', data]
  const { stdout } = await promisify(execFile)(program, [
    '-plaintext',
    ...given,
    new URL(store.url).host,
    ...words,
  ])
  return stdout
}

test('grpcurl lists the services', async () => {
  const services = (await grpcurl(['list'])).trim().split('\n')
  expect(services).toContain('fairlead.store.v1.OrganizationService')
  expect(services).toContain('fairlead.store.v1.EventService')
  expect(services).toContain('grpc.reflection.v1.ServerReflection')
})

test('grpcurl describes a call and a message', async () => {
  expect(await grpcurl(['describe', 'fairlead.store.v1.OrganizationService.GetOrganization'])).toContain(
    'rpc GetOrganization ( .fairlead.store.v1.GetOrganizationRequest )',
  )
  expect(await grpcurl(['describe', 'fairlead.store.v1.SourceSettings'])).toContain(
    '.google.protobuf.Struct scheme = 2',
  )
})

test('grpcurl creates an organization and reads it back', async () => {
  await grpcurl(
    ['fairlead.store.v1.OrganizationService/CreateOrganization'],
    '{"slug": "acme", "webhook_limit": 10}',
  )
  const answer = await grpcurl(['fairlead.store.v1.OrganizationService/GetOrganization'], '{"slug": "acme"}')
  expect(JSON.parse(answer).organization).toMatchObject({ slug: 'acme', webhookLimit: '10', active: true })
})

test('grpcurl shows status and detail of an error', async () => {
  const failed = grpcurl(['fairlead.store.v1.OrganizationService/GetOrganization'], '{"slug": "nobody"}')
  await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('Code: NotFound') })
  await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('ERROR_REASON_NOT_FOUND') })
})
