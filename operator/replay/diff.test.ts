import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { ReplaySchema, ReplayState } from '@fairlead/wire/store/replay'
import { describe, expect, test } from 'vitest'
import type { ActResult } from './act.ts'
import { type Action, diff, type Obstacle } from './diff.ts'
import type { Snapshot } from './observe.ts'
import { replaySchema } from './schema.ts'
import { aReplay } from './schema-rows.ts'
import { statusOf } from './status.ts'
import type { ReplayStatus } from './status-schema.ts'

const nowMs = Date.parse('2026-01-31T12:00:00Z')

function stored(state: ReplayState, fields: { published?: bigint; delivered?: bigint; fault?: string } = {}) {
  const hasEnded = [ReplayState.COMPLETED, ReplayState.CANCELLED, ReplayState.FAILED].includes(state)
  return create(ReplaySchema, {
    id: 'rpl_1',
    state,
    matched: 200n,
    matchedEvents: 100n,
    ...fields,
    ...(hasEnded && { endedAt: timestampFromMs(nowMs) }),
  })
}

function aStatus(fields: Partial<ReplayStatus> = {}): ReplayStatus {
  return { observedGeneration: 1, conditions: [], phase: 'Running', replayId: 'rpl_1', ...fields }
}

function aSnapshot({
  spec,
  deleting = false,
  ...overrides
}: Partial<Snapshot> & { spec?: Record<string, unknown>; deleting?: boolean } = {}): Snapshot {
  return {
    declared: {
      replay: replaySchema.parse(aReplay(spec)),
      uid: '4a6f1c2e-0000-4000-8000-000000000001',
      createdAtMs: nowMs - 60_000,
      generation: 1,
      deleting,
    },
    before: undefined,
    organizationId: 'org_1',
    destinations: new Map([['billing', 'dst_1']]),
    stored: undefined,
    unavailable: undefined,
    nowMs,
    ...overrides,
  }
}

const away = { kind: 'unavailable', message: 'the store can’t be reached, trying again' } as const
const counted = aStatus({ phase: 'Counted', matched: 200, endedAt: '2026-01-31T11:59:00Z' })
delete counted.replayId

test.each<{ name: string; snapshot: Snapshot; actions: Action['kind'][]; obstacle?: Obstacle['reason'] }>([
  { name: 'a new one is marked before it is made', snapshot: aSnapshot(), actions: ['claim', 'create'] },
  { name: 'a dry run is counted', snapshot: aSnapshot({ spec: { dryRun: true } }), actions: ['count'] },
  {
    name: 'a dry run that was counted is left alone, store or not',
    snapshot: aSnapshot({ spec: { dryRun: true }, before: counted, unavailable: away }),
    actions: [],
  },
  {
    name: 'a dry run that was changed is counted again',
    snapshot: aSnapshot({ spec: { dryRun: true }, before: { ...counted, observedGeneration: 0 } }),
    actions: ['count'],
  },
  {
    name: 'a dry run that begins is made, however long ago it was counted',
    snapshot: aSnapshot({
      spec: { ttlSecondsAfterFinished: 1 },
      before: { ...counted, observedGeneration: 0 },
    }),
    actions: ['claim', 'create'],
  },
  {
    name: 'one that is made paused is counted',
    snapshot: aSnapshot({ spec: { paused: true } }),
    actions: ['count'],
  },
  {
    name: 'one that runs goes on',
    snapshot: aSnapshot({ before: aStatus(), stored: stored(ReplayState.RUNNING) }),
    actions: [],
  },
  {
    name: 'one that runs is paused',
    snapshot: aSnapshot({
      spec: { paused: true },
      before: aStatus(),
      stored: stored(ReplayState.RUNNING),
    }),
    actions: ['pause'],
  },
  {
    name: 'one that someone paused elsewhere is resumed',
    snapshot: aSnapshot({ before: aStatus(), stored: stored(ReplayState.PAUSED) }),
    actions: ['resume'],
  },
  {
    name: 'one that has ended is not paused',
    snapshot: aSnapshot({
      spec: { paused: true },
      before: aStatus(),
      stored: stored(ReplayState.COMPLETED, { published: 200n }),
    }),
    actions: [],
  },
  {
    name: 'one whose time is over goes',
    snapshot: aSnapshot({
      spec: { ttlSecondsAfterFinished: 60 },
      before: aStatus({ phase: 'Completed', endedAt: '2026-01-31T11:59:00Z' }),
    }),
    actions: ['expire'],
  },
  {
    name: 'one whose time is not over stays',
    snapshot: aSnapshot({
      spec: { ttlSecondsAfterFinished: 61 },
      before: aStatus({ phase: 'Completed', endedAt: '2026-01-31T11:59:00Z' }),
    }),
    actions: [],
  },
  {
    name: 'a deleted one is cancelled, then let go',
    snapshot: aSnapshot({ deleting: true, before: aStatus(), stored: stored(ReplayState.RUNNING) }),
    actions: ['cancel', 'release'],
  },
  {
    name: 'a deleted one that has ended is let go',
    snapshot: aSnapshot({ deleting: true, before: aStatus(), stored: stored(ReplayState.COMPLETED) }),
    actions: ['release'],
  },
  {
    name: 'a deleted one whose Organization is gone is let go',
    snapshot: aSnapshot({ deleting: true, before: aStatus(), organizationId: undefined }),
    actions: ['release'],
  },
  {
    name: 'a deleted one waits for the store',
    snapshot: aSnapshot({ deleting: true, before: aStatus(), unavailable: away }),
    actions: [],
    obstacle: 'StoreUnavailable',
  },
  {
    name: 'without its Organization it waits',
    snapshot: aSnapshot({ organizationId: undefined }),
    actions: [],
    obstacle: 'OrganizationMissing',
  },
  {
    name: 'without a destination it waits',
    snapshot: aSnapshot({ spec: { destinations: ['billing', 'books'] } }),
    actions: [],
    obstacle: 'DestinationMissing',
  },
  {
    name: 'one that the store has no more is not made again',
    snapshot: aSnapshot({ before: aStatus() }),
    actions: [],
    obstacle: 'Lost',
  },
])('$name', ({ snapshot, actions, obstacle }) => {
  const plan = diff(snapshot)
  expect(plan.actions.map(({ kind }) => kind)).toEqual(actions)
  expect(plan.obstacle?.reason).toBe(obstacle)
})

test('asks the store for what the spec says, until the resource was made', () => {
  const spec = {
    selector: { eventTypes: ['invoice.*'], deliveryStates: ['dead'] },
    destinations: ['billing'],
  }
  const [, action] = diff(aSnapshot({ spec })).actions
  if (action?.kind !== 'create') throw new TypeError('it is to be made')
  const { selector, ...desired } = action.desired
  expect(desired).toMatchObject({
    destinationIds: ['dst_1'],
    ratePerSecond: 50,
    requestId: '4a6f1c2e-0000-4000-8000-000000000001',
    createdBy: 'kubernetes 4a6f1c2e-0000-4000-8000-000000000001 default/after-the-outage',
  })
  expect(selector).toMatchObject({ types: ['invoice.*'], sources: [] })
  expect(selector?.before).toEqual(timestampFromMs(nowMs - 59_000))
})

describe('the status', () => {
  const said = (snapshot: Snapshot, outcome: ActResult) => {
    const status = statusOf(snapshot, diff(snapshot), outcome)
    const conditions = status.conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)
    return { status, conditions }
  }

  test('while it runs has progress', () => {
    const running = stored(ReplayState.RUNNING, { published: 129n, delivered: 100n })
    const snapshot = aSnapshot({ before: aStatus(), stored: running })
    const { status, conditions } = said(snapshot, { kind: 'held' })
    expect(status).toMatchObject({
      phase: 'Running',
      matched: 200,
      published: 129,
      delivered: 100,
      done: '64%',
    })
    expect(conditions).toEqual(['Ready=True Running', 'Complete=False Running'])
  })

  test('of one that matched nothing says that it is done', () => {
    const replay = { ...stored(ReplayState.COMPLETED), matched: 0n }
    const { status, conditions } = said(aSnapshot(), { kind: 'stored', replay })
    expect(status).toMatchObject({ phase: 'Completed', done: '100%', endedAt: '2026-01-31T12:00:00Z' })
    expect(conditions).toEqual(['Ready=True Completed', 'Complete=True Completed'])
  })

  test('of one that failed says why', () => {
    const replay = stored(ReplayState.FAILED, { fault: 'the log is gone' })
    const { status, conditions } = said(aSnapshot(), { kind: 'stored', replay })
    expect(status.conditions[0]?.message).toBe('the store gave it up: the log is gone')
    expect(conditions).toEqual(['Ready=False Failed', 'Complete=False Failed'])
  })

  test('while the store is away keeps what was known', () => {
    const before = aStatus({ published: 60 })
    const { status, conditions } = said(aSnapshot({ before, unavailable: away }), { kind: 'held' })
    expect(status).toMatchObject({ phase: 'Running', published: 60, replayId: 'rpl_1' })
    expect(conditions).toEqual(['Ready=False StoreUnavailable', 'Complete=False StoreUnavailable'])
  })

  test('of a dry run that begins no longer says when it was counted', () => {
    const snapshot = aSnapshot({ before: { ...counted, observedGeneration: 0 } })
    const { status } = said(snapshot, { kind: 'refused', reason: 'TooLarge', message: 'too many' })
    expect(status).toMatchObject({ phase: 'Pending' })
    expect(status.endedAt).toBeUndefined()
  })
})
