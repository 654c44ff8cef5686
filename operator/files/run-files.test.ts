import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { openLog } from '@fairlead/daemon/log'
import { openRegistry } from '@fairlead/daemon/metrics'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { operatorConfig } from '../config.ts'
import { openStoreServer, type StoreServer } from '../fixtures/store-server.ts'
import { runFiles } from './run-files.ts'

const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: acme }\nstringData: { github: test-only }\n`

function anOrganization(name: string, spec = '{}'): string {
  return `apiVersion: fairlead.dev/v1alpha1\nkind: Organization\nmetadata: { name: ${name} }\nspec: ${spec}\n`
}

const withSource = (displayName: string) =>
  anOrganization(
    'acme',
    `{ displayName: ${displayName}, sources: [{ name: github, provider: github, secrets: [{ secretRef: { name: acme, key: github } }] }] }`,
  )

interface Running extends AsyncDisposable {
  readonly folder: string
  readonly home: string
  readonly store: StoreServer
  readonly lines: readonly { readonly msg: string; readonly [field: string]: unknown }[]
  write(name: string, text: string): Promise<void>
  ready(): Promise<string | undefined>
  stop(): Promise<void>
}

const shortPeriods = { tellAfterMs: 100, deleteAfterMs: 1_000 }

/** The operator on a folder of its own. Given an earlier operator, it goes on where that stopped. */
async function startFiles(
  files: Record<string, string>,
  on?: Running,
  periods = shortPeriods,
): Promise<Running> {
  await using cleanup = new AsyncDisposableStack()
  const base = on ? undefined : cleanup.use(await scratchFolder()).path
  const folder = on?.folder ?? join(base!, 'organizations')
  const home = on?.home ?? join(base!, 'home')
  const store = on?.store ?? cleanup.use(await openStoreServer())
  await mkdir(folder, { recursive: true })
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  for (const [name, text] of Object.entries(files)) await write(name, text)
  const lines: Running['lines'][number][] = []
  const destination = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const checks = new Map<string, () => string | undefined | Promise<string | undefined>>()
  const stopping = new AbortController()
  const config = operatorConfig.parse({
    FAIRLEAD_STORE_URL: store.url,
    FAIRLEAD_ORGANIZATIONS: folder,
    FAIRLEAD_HOME: home,
  })
  const running = runFiles(
    { ...config, FAIRLEAD_ORGANIZATIONS: folder },
    stopping.signal,
    {
      log: openLog({ service: 'operator', destination }),
      registry: openRegistry(),
      health: {
        check(name, check) {
          checks.set(name, check)
          return { [Symbol.dispose]: () => void checks.delete(name) }
        },
      },
    },
    periods,
  )
  const stop = async () => {
    stopping.abort()
    await running
  }
  cleanup.defer(stop)
  const held = cleanup.move()
  return {
    folder,
    home,
    store,
    lines,
    write,
    stop,
    // The check comes a moment after the start.
    ready: async () => {
      const check = checks.get('organizations')
      return check ? await check() : 'not begun'
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const displayName = ({ store }: Running, slug = 'acme') => store.applied.get(slug)?.displayName

test('makes what the folder declares, with keys that are kept', async () => {
  await using files = await startFiles({ 'acme.yaml': withSource('Acme'), 'secrets.yaml': secret })
  await until(async () => (await files.ready()) === undefined)
  const applied = files.store.applied.get('acme')!
  expect(applied.sources[0]?.secrets).toMatchObject([{ id: 'acme/github', value: 'test-only' }])
  const path = join(files.home, 'secrets/default/acme-fairlead.yaml')
  const document = parse(await readFile(path, 'utf8'))
  expect(document.stringData).toMatchObject({
    'api-key': expect.stringMatching(/^sk_live_fl_\w{49}$/),
    'signing-key': expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    'url-github': 'http://localhost:8080/webhooks/acme/github',
  })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await files.stop()
  await using again = await startFiles({}, files)
  await until(async () => (await again.ready()) === undefined)
  expect(parse(await readFile(path, 'utf8'))).toEqual(document)
  expect(files.store.writes).toBe(1)
})

test('follows a file that is written in place, and one that an editor replaces', async () => {
  await using files = await startFiles({ 'acme.yaml': anOrganization('acme', '{ displayName: One }') })
  await until(() => displayName(files) === 'One')
  await files.write('acme.yaml', anOrganization('acme', '{ displayName: Two }'))
  await until(() => displayName(files) === 'Two')
  await files.write('.acme.yaml.swp', anOrganization('acme', '{ displayName: Three }'))
  await rename(join(files.folder, '.acme.yaml.swp'), join(files.folder, 'acme.yaml'))
  await until(() => displayName(files) === 'Three')
  expect(files.store.deleted).toEqual([])
})

test('follows a secret that is changed in place', async () => {
  await using files = await startFiles({ 'acme.yaml': withSource('Acme'), 'secrets.yaml': secret })
  await until(() => displayName(files) === 'Acme')
  await files.write('secrets.yaml', secret.replace('test-only', 'test-rotated'))
  await until(() => files.store.applied.get('acme')?.sources[0]?.secrets[0]?.value === 'test-rotated')
})

test('waits for a Secret that isn’t there yet', async () => {
  await using files = await startFiles({ 'acme.yaml': withSource('Acme') })
  await until(() => files.lines.some(({ reason }) => reason === 'SecretMissing'))
  expect(files.store.applied.get('acme')).toMatchObject({ displayName: 'Acme', sources: [] })
  await files.write('secrets.yaml', secret)
  await until(() => files.store.applied.get('acme')?.sources.length === 1)
})

test('a faulty file is reported once, with its line, and its last good state stays', async () => {
  await using files = await startFiles({ 'acme.yaml': anOrganization('acme', '{ displayName: Good }') })
  await until(() => displayName(files) === 'Good')
  await files.write('acme.yaml', anOrganization('acme', '{ sources: [{ name: a, provider: strpe }] }'))
  const refused = () => files.lines.filter(({ msg }) => msg === 'file.refused')
  await until(() => refused().length > 0)
  await files.write('other.yaml', anOrganization('other'))
  await until(() => files.store.applied.has('other'))
  expect(refused().map(({ fault }) => fault)).toEqual([
    'acme.yaml:4: spec.sources[0].provider: "strpe" is not known; did you mean stripe?',
  ])
  expect(displayName(files)).toBe('Good')
})

test('a deleted file deletes its Organization, with its Secret', async () => {
  await using files = await startFiles({
    'acme.yaml': anOrganization('acme'),
    'other.yaml': anOrganization('other'),
  })
  await until(async () => (await files.ready()) === undefined)
  await rm(join(files.folder, 'acme.yaml'))
  await until(() => files.lines.some(({ msg }) => msg === 'organization.deleted'))
  expect(files.store.deleted).toEqual(['acme'])
  await expect(stat(join(files.home, 'secrets/default/acme-fairlead.yaml'))).rejects.toThrow('ENOENT')
})

test('a file that is away until it is told as missing, and comes back, changes nothing', async () => {
  const periods = { tellAfterMs: 100, deleteAfterMs: 60_000 }
  const text = anOrganization('acme')
  const other = anOrganization('other')
  await using files = await startFiles({ 'acme.yaml': text, 'other.yaml': other }, undefined, periods)
  await until(async () => (await files.ready()) === undefined)
  await rm(join(files.folder, 'acme.yaml'))
  await until(() => files.lines.some(({ msg }) => msg === 'organization.missing'))
  expect(files.store.applied.has('acme')).toBe(true)
  await files.write('acme.yaml', text)
  await until(() => files.lines.some(({ msg }) => msg === 'organization.back'))
  expect(files.store).toMatchObject({ deleted: [], writes: 2 })
  expect(files.lines.slice(2).map(({ msg, organization }) => [msg, organization])).toEqual([
    ['organization.missing', 'default/acme'],
    ['organization.back', 'default/acme'],
  ])
})

test('a file that was deleted while Fairlead was stopped is deleted at the next start', async () => {
  await using files = await startFiles({
    'acme.yaml': anOrganization('acme'),
    'other.yaml': anOrganization('other'),
  })
  await until(async () => (await files.ready()) === undefined)
  await files.stop()
  await rm(join(files.folder, 'acme.yaml'))
  await using again = await startFiles({}, files)
  await until(() => again.lines.some(({ msg }) => msg === 'organization.deleted'))
  expect(files.store.deleted).toEqual(['acme'])
})

test('nothing is deleted while a file is faulty', async () => {
  await using files = await startFiles({
    'acme.yaml': anOrganization('acme'),
    'other.yaml': anOrganization('other'),
  })
  await until(async () => (await files.ready()) === undefined)
  await files.stop()
  await files.write('acme.yaml', 'kind: [')
  await using again = await startFiles({}, files)
  await until(async () => (await again.ready()) === undefined)
  expect(again.lines.some(({ msg }) => msg === 'file.refused')).toBe(true)
  expect(files.store.deleted).toEqual([])
})

test.each([
  {
    name: 'gone',
    lose: (folder: string) => rm(folder, { recursive: true }),
    fault: "the folder can't be read (ENOENT)",
  },
  {
    name: 'empty',
    lose: (folder: string) => rm(join(folder, 'acme.yaml')),
    fault: 'the folder holds no YAML file',
  },
])('nothing is deleted because the folder is $name', async ({ lose, fault }) => {
  await using files = await startFiles({ 'acme.yaml': anOrganization('acme') })
  await until(async () => (await files.ready()) === undefined)
  await lose(files.folder)
  await until(() => files.lines.some(line => String(line.fault).includes(fault)))
  expect(files.store.deleted).toEqual([])
})

test('follows a mounted ConfigMap, whose files are links that all change at once', async () => {
  await using files = await startFiles({})
  const version = async (name: string, displayName: string) => {
    await mkdir(join(files.folder, name))
    await writeFile(
      join(files.folder, name, 'acme.yaml'),
      anOrganization('acme', `{ displayName: ${displayName} }`),
    )
    await symlink(name, join(files.folder, '..data_tmp'))
    await rename(join(files.folder, '..data_tmp'), join(files.folder, '..data'))
  }
  await version('..2026_01_01', 'One')
  await symlink('..data/acme.yaml', join(files.folder, 'acme.yaml'))
  await until(() => displayName(files) === 'One')
  await version('..2026_01_02', 'Two')
  await until(() => displayName(files) === 'Two')
  expect(files.store.deleted).toEqual([])
})

test('catches up once the store is back', async () => {
  await using files = await startFiles({ 'acme.yaml': anOrganization('acme', '{ displayName: One }') })
  await until(() => displayName(files) === 'One')
  await files.store.stop()
  await files.write('acme.yaml', anOrganization('acme', '{ displayName: Two }'))
  await until(() => files.lines.some(({ reason }) => reason === 'StoreUnavailable'))
  await files.store.start()
  await until(() => displayName(files) === 'Two')
})

test('says nothing twice: a steady state is silent', async () => {
  await using files = await startFiles({ 'acme.yaml': anOrganization('acme') })
  await until(async () => (await files.ready()) === undefined)
  await files.write('notes.txt', 'not an Organization')
  await files.write('other.yaml', anOrganization('other'))
  await until(() => files.store.applied.has('other'))
  await until(async () => (await files.ready()) === undefined)
  expect(files.lines.map(({ msg, organization }) => [msg, organization])).toEqual([
    ['organization.reconciled', 'default/acme'],
    ['organization.reconciled', 'default/other'],
  ])
})
