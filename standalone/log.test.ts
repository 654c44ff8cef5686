import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test, vi } from 'vitest'
import { forPeople, openLogs } from './log.ts'

test.each([
  [
    {
      level: 'warn',
      service: 'receiver',
      time: 'T',
      msg: 'request.refused',
      code: 'signature_mismatch',
      n: 3,
    },
    'warn  receiver request.refused code=signature_mismatch n=3',
  ],
  [
    {
      level: 'error',
      service: 'store',
      time: 'T',
      msg: 'projection.failed',
      err: { message: 'refused', stack: 'S' },
    },
    'error store projection.failed (refused)',
  ],
  [
    {
      level: 'warn',
      service: 'operator',
      time: 'T',
      msg: 'file.faulty',
      faults: ['a.yaml:3: slug: is taken'],
    },
    'warn  operator file.faulty faults=["a.yaml:3: slug: is taken"]',
  ],
])('a log line is shown short: %#', (line, shown) => {
  expect(forPeople(JSON.stringify(line))).toBe(shown)
})

test('the result of a changed file is shown to people, a line about a webhook is not', async () => {
  await using home = await scratchFolder()
  await mkdir(join(home.path, 'logs'))
  const shown = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const logs = openLogs(home.path, 'info')
  logs.logOf('operator').info({ name: 'acme' }, 'organization.reconciled')
  logs.showChanges()
  logs.logOf('operator').info({ name: 'acme' }, 'organization.reconciled')
  logs.logOf('operator').info('cache.read')
  logs.logOf('receiver').info({ service: 'operator', msg: 'organization.reconciled' }, 'event.accepted')
  const lines = shown.mock.calls.map(([line]) => line)
  shown.mockRestore()
  logs.logOf('operator').flush()
  expect(lines).toEqual(['info  operator organization.reconciled name=acme\n'])
})
