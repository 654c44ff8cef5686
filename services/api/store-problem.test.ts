import { Code, ConnectError } from '@connectrpc/connect'
import { ErrorDetailSchema, ErrorReason } from '@fairlead/wire/store/error'
import { expect, test } from 'vitest'
import { storeProblem } from './store-problem.ts'

test('a store that is older than the API, in the middle of an upgrade, is told as a fault of ours', () => {
  const older = new ConnectError('unknown method', Code.Unimplemented)
  expect(storeProblem(older)).toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 })
})

test('a wait for the database is told as too many requests, with a time to wait, and not as an outage', () => {
  const busy = new ConnectError('too many wait', Code.ResourceExhausted, undefined, [
    { desc: ErrorDetailSchema, value: { reason: ErrorReason.BUSY } },
  ])
  expect(storeProblem(busy)).toMatchObject({
    code: 'rate_limited',
    retryAfterSeconds: 2,
    message: 'Too many requests wait for the database; try again after `Retry-After` seconds.',
  })
})
