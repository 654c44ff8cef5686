import { newId, type OrganizationId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { Host, openHosts } from './host-breaker.ts'
import { Lane } from './lane.ts'

const [first, second, victim] = [newId('org', 1), newId('org', 2), newId('org', 3)]
const openLane = (host: Host, organization: OrganizationId) =>
  new Lane({ concurrency: 4, paused: false }, host, organization)

/** Fails this many times to reach the host. */
function fail(host: Host, organization: OrganizationId, times: number, nowMs = 0): void {
  for (let i = 0; i < times; i++) host.failed(organization, nowMs)
}

test('a dead host with many destinations is probed with one request', () => {
  const host = new Host()
  const lanes = Array.from({ length: 500 }, () => openLane(host, first))
  let attempts = 0
  for (const lane of lanes) {
    if (lane.ask(0) !== 'go') continue
    attempts++
    lane.finish('unreachable', 0, 1)
  }
  expect(attempts).toBe(10)
  const probes = lanes.filter(lane => lane.ask(5_000) === 'go')
  expect(probes).toHaveLength(1)
  expect(lanes[0]!.state(5_000)).toBe('host_broken')
  probes[0]!.finish('well', 5_000, 1)
  expect(lanes.filter(lane => lane.ask(5_000) === 'go').length).toBeGreaterThan(400)
})

test('an organization that has not failed to reach a host is not held up there, however often others failed', () => {
  const host = new Host()
  fail(host, first, 60)
  const lane = openLane(host, victim)
  for (let i = 0; i < 60; i++) {
    expect(lane.ask(i)).toBe('go')
    expect(lane.state(i)).toBe('busy')
    // Other organizations go on failing, which changes nothing for this organization.
    if (i % 2) fail(host, first, 10, i)
    lane.finish('unknown', i, 1)
  }
})

test.each(['faulty', 'failing', 'throttled', 'unknown'] as const)(
  'an outcome %s holds up no other organization',
  health => {
    const host = new Host()
    for (let i = 0; i < 60; i++) {
      const lane = openLane(host, first)
      lane.ask(0)
      lane.finish(health, 0, 1)
    }
    expect(host.state).toBe('closed')
  },
)

test('organizations take turns with probes', () => {
  const host = new Host()
  fail(host, first, 10)
  fail(host, second, 1)
  const probers: OrganizationId[] = []
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    // The first asks at every opportunity, before the other.
    for (const organization of [first, first, second]) {
      if (host.ask(organization, nowMs) !== 'probe') continue
      probers.push(organization)
      host.failed(organization, nowMs)
    }
  }
  expect(probers.length).toBeGreaterThan(4)
  for (const [index, prober] of probers.entries()) if (index > 0) expect(prober).not.toBe(probers[index - 1])
})

test('a turn that is not taken goes to another organization', () => {
  const host = new Host()
  fail(host, first, 10)
  fail(host, second, 1)
  host.ask(first, 0)
  host.ask(second, 0)
  expect(host.ask(second, 1_500)).toBeTypeOf('number')
  expect(host.ask(second, 2_100)).toBe('probe')
})

test('a probe that hangs holds up the others for ten seconds at most', () => {
  const host = new Host()
  fail(host, first, 10)
  fail(host, second, 1)
  expect(host.ask(first, 1_000)).toBe('probe')
  expect(host.ask(second, 10_900)).toBeTypeOf('number')
  expect(host.ask(second, 11_100)).toBe('probe')
})

test('a deleted organization has no turn and no probe', () => {
  const hosts = openHosts()
  const host = hosts.host('https://app.test')
  fail(host, first, 10)
  fail(host, second, 1)
  expect(host.ask(first, 1_000)).toBe('probe')
  hosts.forget(first)
  expect(host.ask(second, 1_000)).toBe('probe')
})
