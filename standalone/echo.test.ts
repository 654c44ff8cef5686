import { expect, test } from 'vitest'
import { openEcho } from './echo.ts'

async function statuses(path: string, event: string, attempts: number): Promise<number[]> {
  await using echo = await openEcho(0, '127.0.0.1')
  const seen: number[] = []
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const headers = { 'fairlead-event-id': event }
    const response = await fetch(`http://127.0.0.1:${echo.port}${path}`, {
      method: 'POST',
      headers,
      body: 'hello',
    })
    expect(await response.json()).toMatchObject({ path, bytes: 5, body: 'hello', headers })
    seen.push(response.status)
  }
  return seen
}

test.each([
  ['/healthy', [200, 200]],
  ['/flaky', [503, 503, 200, 200]],
  ['/broken', [500, 500]],
])('%s answers %j to the attempts of one event', async (path, expected) => {
  expect(await statuses(path, 'evt_1', expected.length)).toEqual(expected)
})
