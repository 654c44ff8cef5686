import { expect, test } from 'vitest'
import { openLog } from './log.ts'

function written(use: (log: ReturnType<typeof openLog>) => void): Record<string, unknown>[] {
  const lines: string[] = []
  use(openLog({ service: 'receiver', destination: { write: line => void lines.push(line) } }))
  return lines.map(line => JSON.parse(line))
}

test('a line says what happened, in which service, when and how serious it is', () => {
  const [line] = written(log => log.child({ eventId: 'evt_1' }).info({ durationMs: 3 }, 'event.accepted'))
  expect(line).toMatchObject({
    level: 'info',
    service: 'receiver',
    msg: 'event.accepted',
    eventId: 'evt_1',
    durationMs: 3,
  })
  expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT/)
})

test.each([
  ['at the top', { password: 'hunter2' }],
  ['in a part', { source: { secret: 'hunter2' } }],
  ['in headers', { headers: { authorization: 'hunter2' } }],
  ['in headers of a request', { request: { headers: { cookie: 'hunter2' } } }],
  ['under a name with a dash', { headers: { 'set-cookie': 'hunter2' } }],
])('a secret %s is not written', (_where, fields) => {
  const [line] = written(log => log.info(fields, 'event.accepted'))
  expect(JSON.stringify(line)).not.toContain('hunter2')
  expect(JSON.stringify(line)).toContain('[redacted]')
})

test('an error is written with its code and cause', () => {
  const error = Object.assign(new Error('no', { cause: new Error('because') }), { code: 'store_unavailable' })
  const [line] = written(log => log.error({ err: error }, 'projection.failed'))
  expect(line?.err).toMatchObject({ code: 'store_unavailable', message: 'no: because' })
})
