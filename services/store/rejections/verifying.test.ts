import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openVerifying } from './verifying.ts'

const acme = newId('org', 1)
const globex = newId('org', 2)

test('an organization that asks for many summaries makes no other wait, and no queue without end', async () => {
  const take = openVerifying(60_000)
  const { signal } = new AbortController()
  const first = await take(acme, signal)
  const waiting = [1, 2, 3, 4].map(() => take(acme, signal))
  await expect(take(acme, signal)).rejects.toMatchObject({ code: 'verifying_busy' })
  ;(await take(globex, signal))[Symbol.dispose]()
  first[Symbol.dispose]()
  for (const one of waiting) (await one)[Symbol.dispose]()
})

test('a call that was ended while it waited does no work, and holds up nobody', async () => {
  const take = openVerifying(60_000)
  const ended = new AbortController()
  const { signal } = new AbortController()
  const first = await take(acme, signal)
  const late = take(acme, ended.signal)
  ended.abort(new Error('its caller has gone'))
  first[Symbol.dispose]()
  await expect(late).rejects.toThrow('its caller has gone')
  ;(await take(acme, signal))[Symbol.dispose]()
})
