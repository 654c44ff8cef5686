import { expect, test } from 'vitest'
import { openSink } from './sink.ts'

test('a prober that is killed after it answered, and before it kept the arrival, waits for that probe for ten minutes', async () => {
  const keeping = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<void>()
  await using sink = await openSink({
    host: '127.0.0.1',
    port: 0,
    async arrived() {
      taken.resolve()
      await keeping.promise
      return 204
    },
    report: () => ({}),
  })
  let answered = false
  const delivery = fetch(`http://127.0.0.1:${sink.port}/arrivals/probe`, { method: 'POST', body: '{}' }).then(
    ({ status }) => {
      answered = true
      return status
    },
  )
  await taken.promise
  // Whatever could be on its way meanwhile has passed.
  expect((await fetch(`http://127.0.0.1:${sink.port}/report`)).status).toBe(200)
  expect(answered).toBe(false)
  keeping.resolve()
  expect(await delivery).toBe(204)
})
