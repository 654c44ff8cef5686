import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { apiConfig } from '@fairlead/api/config'
import { readConfig } from '@fairlead/daemon/config'
import { daemonConfig } from '@fairlead/daemon/run'
import { operatorConfig } from '@fairlead/operator/config'
import { receiverConfig } from '@fairlead/receiver/config'
import { findNats } from '@fairlead/servers/nats'
import { storeConfig } from '@fairlead/store/config'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { workerConfig } from '@fairlead/worker/config'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { z } from 'zod'
import { root } from './content.ts'
import { readDockerfile } from './dockerfile.ts'
import { readCompose, user } from './fixtures/compose.ts'
import { parts } from './parts.ts'

/** What each part reads, beside what every process does. */
const schemas = {
  receiver: receiverConfig,
  worker: workerConfig,
  store: storeConfig,
  api: apiConfig,
  operator: operatorConfig,
  migrate: storeConfig.pick({ FAIRLEAD_POSTGRES_URL: true }),
}

const compose = await readCompose(user)
const own = Object.entries(compose.services).filter(([, { build }]) => build !== undefined)

test('runs every part that is needed without Kubernetes', () => {
  expect(own.map(([name]) => name).sort()).toEqual(Object.keys(schemas).sort())
  for (const [name, { command }] of own) {
    expect(command).toEqual([name])
    expect(Object.keys(parts)).toContain(name)
  }
})

test.each(Object.entries(schemas))('%s is given each setting it needs, and no other', (name, schema) => {
  const { environment } = compose.services[name]!
  expect(() => readConfig(daemonConfig, environment)).not.toThrow()
  expect(() => readConfig(schema as z.ZodObject, environment)).not.toThrow()
  const known = [...Object.keys(schema.shape), ...Object.keys(daemonConfig.shape)]
  for (const key of Object.keys(environment)) expect(known).toContain(key)
})

test.each(Object.keys(user))('who does not set %s is sent to the README, which says how', async key => {
  const others = Object.fromEntries(Object.entries(user).filter(([other]) => other !== key))
  await expect(readCompose(others)).rejects.toThrow(
    `required variable ${key} is missing a value: see image/README.md`,
  )
  expect(readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')).toContain(`${key}=`)
})

test('only the store and its migration reach PostgreSQL', () => {
  expect(inNetwork('database')).toEqual(['migrate', 'postgres', 'store'])
  expect(compose.services.postgres!.networks).toEqual(['database'])
})

test('only receiver, worker and store reach NATS, and only receiver and API Redis', () => {
  expect(inNetwork('queue')).toEqual(['nats', 'receiver', 'store', 'worker'])
  expect(compose.services.nats!.networks).toEqual(['queue'])
  expect(inNetwork('cache')).toEqual(['api', 'receiver', 'redis'])
  expect(compose.services.redis!.networks).toEqual(['cache'])
})

test('only what is reached from outside, or reaches out, has a way out', () => {
  const open = Object.keys(compose.networks).filter(name => !compose.networks[name]!.internal)
  expect(open).toEqual(['outside'])
  expect(inNetwork('outside')).toEqual(['api', 'receiver', 'worker'])
  const published = Object.entries(compose.services).filter(([, { ports }]) => ports.length > 0)
  expect(published.map(([name]) => name).sort()).toEqual(['api', 'receiver'])
  for (const [, { ports }] of published) {
    for (const { host_ip } of ports) expect(host_ip).toBe('127.0.0.1')
  }
})

test('every address in a setting is a service in a network of the part', () => {
  for (const [name, { environment, networks }] of own) {
    for (const [, host] of Object.values(environment)
      .join(' ')
      .matchAll(/(?:nats|redis|postgres|http):\/\/(?:[^@\s]+@)?([a-z]+):/g)) {
      if (host === 'localhost') continue
      const shared = compose.services[host!]?.networks.filter(network => networks.includes(network))
      expect(shared, `${name} → ${host}`).not.toEqual([])
      expect(shared, `${name} → ${host}`).toBeDefined()
    }
  }
})

test('each service that is waited for exists, and has a health check or ends', () => {
  for (const { depends_on } of Object.values(compose.services)) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const { healthcheck, restart } = compose.services[other]!
      if (condition === 'service_completed_successfully') expect(restart).toBe('on-failure')
      else expect(healthcheck.test?.[0]).toBe('CMD')
    }
  }
})

test('our own containers have no writable root and no capability; what is kept is in volumes', () => {
  for (const [, { read_only, cap_drop }] of own) {
    expect(read_only).toBe(true)
    expect(cap_drop).toEqual(['ALL'])
  }
  const kept = Object.values(compose.services).flatMap(({ volumes }) =>
    volumes.flatMap(({ type, source }) => (type === 'volume' ? [source] : [])),
  )
  expect(kept.sort()).toEqual(compose.volumes)
})

test('the health check says what /readyz says', async () => {
  const { test: command = [] } = compose.services.api!.healthcheck
  expect(command[1]).toBe(readDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8')).entrypoint[0])
  let status = 200
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/readyz' ? status : 404
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const check = () =>
    promisify(execFile)(process.execPath, command.slice(2), {
      env: { FAIRLEAD_METRICS_PORT: String(port) },
    }).then(
      () => 'healthy',
      ({ code }) => `exit code ${code}`,
    )
  try {
    expect(await check()).toBe('healthy')
    status = 503
    expect(await check()).toBe('exit code 1')
  } finally {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  expect(await check()).toBe('exit code 1')
})

test("nats-server takes its configuration's file", async () => {
  await using scratch = await scratchFolder()
  const file = join(scratch.path, 'nats.conf')
  await writeFile(file, compose.configs.nats!.content)
  const { path, env } = await findNats(console.error)
  const { stderr } = await promisify(execFile)(path, ['-t', '-c', file], { env: { ...process.env, ...env } })
  expect(stderr).toContain('configuration file')
  expect(stderr).not.toMatch(/error/i)
})

test('the servers, and the role that PostgreSQL is given, are those of the chart', () => {
  const chart = (path: string) => readFileSync(join(root, 'charts/fairlead', path), 'utf8')
  const values = parse(chart('values.yaml'))
  for (const name of ['nats', 'postgres', 'redis']) {
    expect(compose.services[name]!.image).toBe(values[name].image)
  }
  const lines = chart('templates/postgres-configmap.yaml')
    .split('\n')
    .map(line => line.trim())
  expect(lines.join('\n')).toContain(compose.configs.role!.content)
})

function inNetwork(network: string): string[] {
  const services = Object.entries(compose.services)
  return services.flatMap(([name, { networks }]) => (networks.includes(network) ? [name] : [])).sort()
}
