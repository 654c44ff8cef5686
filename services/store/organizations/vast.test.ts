import { expect, test } from 'vitest'
import { mostConfigBytes, mostStars } from '../publish/bounds.ts'
import type { DesiredRoute } from './desired.ts'
import type { RouteRow } from './rows.ts'
import { refusalOfVast } from './vast.ts'
import type { Change } from './write.ts'

const put = (table: Change['table']) => ({ kind: 'put', table }) as const
const remove = (table: Change['table']) => ({ kind: 'remove', table }) as const
const routes = (stars: number, managed_by = 'owner') =>
  [{ managed_by, event_types: ['*'.repeat(stars)] }] as unknown as (DesiredRoute & RouteRow)[]
const [large, most] = [mostConfigBytes + 1, mostStars]

test.each([
  ['as large as it may be', mostConfigBytes, most, undefined, [put('sources')], undefined],
  ['new and too large', large, 0, undefined, [put('organizations'), put('sources')], 'destinations'],
  ['too large as before', large, 0, 0, [], undefined],
  ['too large as before, of another plan', large, 0, 0, [put('organizations')], undefined],
  ['too large, and smaller than before', large, 0, 0, [remove('destinations')], undefined],
  ['too large, with another header', large, 0, 0, [put('destination_headers')], 'destinations'],
  ['new with too many stars', 0, most + 1, undefined, [put('routes')], 'routes'],
  ['with more stars than before', 0, most + 2, most + 1, [put('routes')], 'routes'],
  ['with as many stars as before', 0, most + 1, most + 1, [put('routes')], undefined],
] as const)(
  'a declaration, which may be in force since before the bound: %s',
  (_name, bytes, stars, before, changes, field) => {
    const stored = before === undefined ? undefined : { routes: routes(before) }
    const refusal = refusalOfVast({ desired: { routes: routes(stars) }, bytes }, stored, changes)
    expect(refusal?.field).toBe(field)
  },
)

test("stars of a tenant's routes let its owner declare as many", () => {
  const stored = { routes: routes(most * 2, 'tenant') }
  const refusal = refusalOfVast({ desired: { routes: routes(most + 1) }, bytes: 0 }, stored, [put('routes')])
  expect(refusal?.field).toBe('routes')
})
