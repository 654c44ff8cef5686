import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { SourceSecretSchema } from '@fairlead/wire/store/source'
import { expect, test } from 'vitest'
import { oldSecretsOf } from './old-secrets.ts'

const nowMs = Date.parse('2026-01-31T12:00:00Z')

test.each<{ name: string; hoursAgo: Record<string, number | undefined>; old: string[] }>([
  { name: 'both match', hoursAgo: { a: 1, b: 2 }, old: [] },
  {
    name: 'one was rotated out',
    hoursAgo: { a: 73, b: 1 },
    old: ['a has not matched for 3 days: safe to remove'],
  },
  { name: 'one was rotated out just now', hoursAgo: { a: 71, b: 1 }, old: [] },
  { name: 'the source is quiet', hoursAgo: { a: 200, b: 100 }, old: [] },
  { name: 'the new one is not in use yet', hoursAgo: { a: 1, b: undefined }, old: [] },
  { name: 'there is only one', hoursAgo: { a: 200 }, old: [] },
])('$name', ({ hoursAgo, old }) => {
  const secrets = Object.entries(hoursAgo).map(([id, hours]) =>
    create(SourceSecretSchema, {
      id,
      ...(hours === undefined ? {} : { lastMatchedAt: timestampFromMs(nowMs - hours * 3_600_000) }),
    }),
  )
  expect(oldSecretsOf({ secrets }, nowMs).map(({ id, message }) => `${id} ${message}`)).toEqual(old)
})
