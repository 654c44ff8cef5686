import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { imageOfRun, imageTag } from '@fairlead/testbed/run'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type BuiltImage, buildImage } from './build.ts'
import { readDockerfile } from './dockerfile.ts'
import { runInImage, type Unpacked, unpackImage } from './fixtures/unpack.ts'
import { writeLayer } from './layer.ts'
import { writeArchive } from './oci.ts'
import { parts } from './parts.ts'
import { filesBelow } from './prune.ts'
import { writeSbom } from './sbom.ts'

// Each build writes 400 MB, on a machine that does much else.
vi.setConfig({ testTimeout: 240_000 })

const opened = new AsyncDisposableStack()
let built: BuiltImage
let image: Unpacked

beforeAll(async () => {
  built = await imageOfRun()
  image = await unpackImage(built.path, opened.use(await scratchFolder()).path)
})
afterAll(() => opened.disposeAsync())

describe('the archive', () => {
  test('names the image for containerd', () => {
    expect(image.annotations['io.containerd.image.name']).toBe(imageTag)
  })

  test('is below 200 MB when it is unpacked', () => {
    expect(built.bytes).toBeGreaterThan(100e6)
    expect(built.bytes).toBeLessThan(200e6)
  })

  test('has the settings of the Dockerfile', () => {
    expect(image.config.config).toEqual({
      User: '65532:65532',
      Env: expect.arrayContaining(['NODE_ENV=production']),
      Entrypoint: ['/usr/local/bin/node', '/app/image/main.ts'],
      WorkingDir: '/app',
      Labels: {
        'org.opencontainers.image.title': 'Fairlead',
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    })
  })

  test('has other layers when it is built again, or takes none of one’s own', async () => {
    await using own = await scratchFolder()
    const out = join(own.path, 'more.tar')
    const hosts = { kind: 'text', path: 'etc/hosts', text: '127.0.0.1 sink.test\n', mode: 0o644 } as const
    const more = await buildImage({ tag: 'localhost/fairlead:more', out, extraLayers: [[hosts]] })
    expect(more.digest).not.toBe(built.digest)
    const { root, config } = await unpackImage(out, own.path)
    const layers = image.config.rootfs.diff_ids
    expect(layers).toHaveLength(3)
    expect(config.rootfs.diff_ids.slice(0, -1)).toEqual(layers)
    expect(await readFile(join(root, 'etc/hosts'), 'utf8')).toBe(hosts.text)
  })

  test('has other bytes when the same layers are put together again', async () => {
    await using own = await scratchFolder()
    const recipe = readDockerfile(await readFile(join(import.meta.dirname, '../Dockerfile'), 'utf8'))
    const layers = await Promise.all(
      ['one', 'two'].map(async path => {
        const file = join(own.path, path)
        return { ...(await writeLayer([{ kind: 'text', path, text: path, mode: 0o644 }], file)), file }
      }),
    )
    const archives = ['first', 'second'].map(name => join(own.path, name))
    const digests = []
    for (const path of archives) digests.push(await writeArchive({ tag: imageTag, recipe, layers }, path))
    expect(digests[1]).toBe(digests[0])
    const [first, second] = await Promise.all(archives.map(path => readFile(path)))
    expect(second!.equals(first!)).toBe(true)
  })
})

describe('its files', () => {
  test('are the parts, what they need, and no shell', async () => {
    expect(await readdir(join(image.root, 'app'))).toEqual(
      [
        'cli',
        'console',
        'image',
        'node_modules',
        'operator',
        'package.json',
        'packages',
        'sbom.cdx.json',
        'services',
      ].sort(),
    )
    expect(await readdir(join(image.root, 'app/image'))).toEqual(['main.ts', 'package.json', 'parts.ts'])
    expect(await readdir(join(image.root, 'usr/local/bin'))).toEqual(['node'])
    expect(await readdir(image.root)).not.toContain('bin')
  })

  test('know the user, and give it a home', async () => {
    expect(await readFile(join(image.root, 'etc/passwd'), 'utf8')).toMatch(/^nonroot:x:65532:65532:/m)
    expect((await stat(join(image.root, 'home/nonroot'))).mode & 0o777).toBe(0o700)
  })

  test('have no tests, nor anything that only tests need', () => {
    const files = [...filesBelow(join(image.root, 'app'), path => !path.endsWith('/node_modules'))]
    expect(files.length).toBeGreaterThan(200)
    expect(files.filter(path => /\.test\.ts$|\/fixtures?\/|\/vectors\/|\.d\.ts$/.test(path))).toEqual([])
  })

  test('in node_modules have no TypeScript, and keep their licences', () => {
    const files = [...filesBelow(join(image.root, 'app/node_modules'))]
    expect(files.filter(path => path.endsWith('.ts'))).toEqual([])
    expect(files.filter(path => /licen[cs]e/i.test(path)).length).toBeGreaterThan(150)
  })

  test('include the bill of materials of what is there', async () => {
    const text = await readFile(join(image.root, 'app/sbom.cdx.json'), 'utf8')
    expect(text).toBe(writeSbom(join(import.meta.dirname, '..')))
    const { components } = JSON.parse(text) as { components: { name: string; version: string }[] }
    const listed = components.map(({ name, version }) => `${name}@${version}`)
    expect(listed).toEqual(expect.arrayContaining([`node@${process.versions.node}`]))
    expect(listed.filter(id => !id.startsWith('node@') && !id.startsWith('@fairlead/')).sort()).toEqual(
      await installed(join(image.root, 'app')),
    )
  })
})

describe('as its own user, with nothing but its own files', () => {
  test.each<[string, string[]]>([
    ['receiver', ['FAIRLEAD_NATS_URL', 'FAIRLEAD_ENCRYPTION_KEYS']],
    ['worker', ['FAIRLEAD_NATS_URL', 'FAIRLEAD_ENCRYPTION_KEYS']],
    ['store', ['FAIRLEAD_POSTGRES_URL', 'FAIRLEAD_NATS_URL', 'FAIRLEAD_ENCRYPTION_KEYS']],
    ['api', ['FAIRLEAD_STORE_URL']],
    ['operator', ['FAIRLEAD_STORE_URL']],
    ['migrate', ['FAIRLEAD_POSTGRES_URL']],
    ['reencrypt', ['FAIRLEAD_POSTGRES_URL', 'FAIRLEAD_ENCRYPTION_KEYS']],
  ])('%s says which settings are missing', async (part, keys) => {
    const { code, stderr } = await runInImage(image, [part])
    expect(stderr.match(/FAIRLEAD_\w+/g)).toEqual(keys)
    expect(code).toBe(78)
  })

  test('migrate brings a database to the schema', async () => {
    await using database = await createTestDatabase({ migrated: false })
    const ended = await runInImage(image, ['migrate'], { FAIRLEAD_POSTGRES_URL: database.url })
    expect(ended).toEqual({ code: 0, stdout: 'the database has the newest schema\n', stderr: '' })
  })

  test('cli is the command line, with its own arguments', async () => {
    const { code, stdout } = await runInImage(image, ['cli', 'providers', 'stripe'])
    expect(code).toBe(0)
    expect(stdout).toContain('stripe')
  })

  test.each<[string, string[], string]>([
    ['no argument', [], 'Name a part.'],
    ['an argument that is no part', ['consumer'], 'There is no part "consumer".'],
    ['a name that every object has', ['constructor'], 'There is no part "constructor".'],
  ])('%s is told what it may be', async (_, args, fault) => {
    const { code, stderr } = await runInImage(image, args)
    expect(code).toBe(64)
    expect(stderr).toContain(fault)
    for (const name of Object.keys(parts)) expect(stderr).toContain(`  ${name} `)
  })
})

/** `name@version` of every package that a node_modules holds, links aside, sorted. */
async function installed(modules: string): Promise<string[]> {
  const manifests = [...filesBelow(modules)].filter(path =>
    /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path),
  )
  const found = new Set<string>()
  for (const path of manifests) {
    const { name, version } = JSON.parse(await readFile(path, 'utf8'))
    found.add(`${name}@${version}`)
  }
  return [...found].sort()
}
