import { expect, test } from 'vitest'
import { openRefusalLines } from './refusal-lines.ts'

test('a tenant whose destination is the prober’s address fills the log', () => {
  const lines: unknown[] = []
  {
    using refusals = openRefusalLines(
      { error: (...line: unknown[]) => void lines.push(line) } as never,
      () => 0,
    )
    for (let i = 0; i < 1_000; i++) refusals.tell('probe.unsigned', { partition: 3, event: `evt_${i}` })
    refusals.tell('probe.changed', { partition: 3, event: 'evt_0' })
  }
  expect(lines).toHaveLength(7)
  expect(lines[0]).toEqual([{ partition: 3, event: 'evt_0' }, 'probe.unsigned'])
  expect(lines.slice(5)).toEqual([
    [{ partition: 3, event: 'evt_0' }, 'probe.changed'],
    [{ count: 995 }, 'probe.unsigned'],
  ])
})
