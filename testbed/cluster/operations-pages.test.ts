import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findHelmProgram } from '../kube/helm.ts'
import { findKubePrograms } from '../kube/programs.ts'
import { imageOfRun, imageTag } from '../run.ts'
import { scratchFolder } from '../scratch.ts'
import { until } from '../until.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { buildServerImages, serverImageValues } from './images/servers.ts'
import { run } from './node.ts'
import { whyNoCluster } from './probe.ts'

/**
 * The pages of docs/operations, command by command as they stand there, in a cluster of one node. Not what builds and
 * pushes the image, and not pg_dump, which the stand-in for PostgreSQL's image hasn't.
 */

const reason = await whyNoCluster()
if (reason && process.env.CI) throw new Error(`this machine can't host a cluster: ${reason}`)
const root = resolve(import.meta.dirname, '../..')

/** The commands of a page's section, or of all of it. */
async function commandsOf(page: string, section = ''): Promise<string> {
  const text = await readFile(join(root, 'docs/operations', page), 'utf8')
  const from = text.indexOf(section)
  if (from < 0) throw new TypeError(`${page} has no section ${section}`)
  const next = section === '' ? -1 : text.indexOf('\n## ', from + section.length)
  const part = text.slice(from, next < 0 ? undefined : next)
  const blocks = [...part.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)]
  return blocks
    .map(([, indent = '', block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    .join('\n')
}

describe.skipIf(reason)(
  reason ? `the operations pages (no cluster: ${reason})` : 'the operations pages',
  () => {
    const cleanup = new AsyncDisposableStack()
    let cluster: Cluster
    let env: Record<string, string>

    /** Runs commands as whoever reads the page would, from the repository. */
    const shell = (commands: string): Promise<string> =>
      run([...cluster.inNetwork, 'sh', '-euc', `cd '${root}'\n${commands}`], { env })

    beforeAll(async () => {
      const folder = cleanup.use(await scratchFolder()).path
      const archives = Promise.all([imageOfRun(), buildServerImages()])
      cluster = cleanup.use(await startCluster({ nodes: 1 }))
      const [image, servers] = await archives
      await cluster.loadImages([image.path, ...servers])
      const bin = join(folder, 'bin')
      await mkdir(bin)
      await symlink((await findKubePrograms()).kubectl, join(bin, 'kubectl'))
      // The chart's servers come from images that are here.
      const values = `[ "$1" = install ] && set -- "$@" ${serverImageValues.join(' ')}`
      await writeFile(join(bin, 'helm'), `#!/bin/sh\n${values}\nexec '${await findHelmProgram()}' "$@"\n`)
      await chmod(join(bin, 'helm'), 0o755)
      env = {
        PATH: [bin, join(root, 'node_modules/.bin'), process.env.PATH].join(':'),
        HOME: folder,
        KUBECONFIG: cluster.kubeconfig,
        IMAGE: imageTag,
        NO_COLOR: '1',
      }
    }, 900_000)
    afterAll(() => cleanup.disposeAsync(), 240_000)

    const sendAndSee = async () => {
      const sent = await shell('kubectl fairlead send github --namespace tenants --json')
      const { id } = JSON.parse(sent) as { id: string }
      await until(async () => (await cluster.kubectl(['logs', 'sink', '-n', 'tenants'])).includes(id), {
        deadlineMs: 60_000,
        everyMs: 500,
        what: 'the delivery',
      })
      return id
    }

    test('install.md ends with a delivered webhook', { timeout: 600_000 }, async () => {
      const output = await shell(await commandsOf('install.md'))
      expect(output).toMatch(/acme +True +1\/1 +1\/1/)
      expect(output).toMatch(/"id":"evt_\w{26}","duplicate":false/)
      expect(output).toMatch(/arrived evt_\w{26} push\n$/)
    })

    test('kubectl fairlead goes to the pods by kubectl’s own port-forward', {
      timeout: 600_000,
    }, async () => {
      const id = await sendAndSee()
      await until(async () => (await shell('kubectl fairlead events --namespace tenants')).includes(id), {
        deadlineMs: 60_000,
        everyMs: 500,
        what: 'the event in the log',
      })
      expect(await shell('kubectl fairlead sources --namespace tenants')).toContain('acme-webhooks/github')
    })

    test('rotate.md: the encryption key', { timeout: 600_000 }, async () => {
      const output = await shell(await commandsOf('rotate.md', '## The encryption key'))
      expect(output).toMatch(/[1-9]\d* secrets sealed with the newest key/)
      await sendAndSee()
    })

    test('rotate.md: the signing key and the API key', { timeout: 600_000 }, async () => {
      const keys = () =>
        cluster.kubectl(['get', 'secret', 'acme-fairlead', '-n', 'tenants', '-o', 'jsonpath={.data}'])
      const before = JSON.parse(await keys()) as Record<string, string>
      await shell(await commandsOf('rotate.md', '## What deliveries are signed with'))
      await shell(await commandsOf('rotate.md', '## The API key'))
      await until(
        async () => {
          const now = JSON.parse(await keys()) as Record<string, string>
          return (
            now['signing-key-previous'] === before['signing-key'] &&
            now['signing-key'] !== before['signing-key'] &&
            now['api-key'] !== before['api-key']
          )
        },
        { deadlineMs: 60_000, everyMs: 200, what: 'new keys in the Secret' },
      )
      await until(
        async () => (await shell('kubectl fairlead destinations --namespace tenants')).includes('sink'),
        {
          deadlineMs: 60_000,
          what: 'an answer to the new key',
        },
      )
    })

    test('upgrade.md and rotate.md: passwords of NATS and PostgreSQL', { timeout: 600_000 }, async () => {
      await shell(await commandsOf('upgrade.md'))
      await shell(await commandsOf('rotate.md', '## Passwords of NATS and PostgreSQL'))
      for (const part of ['receiver', 'worker', 'store'])
        await cluster.kubectl([
          'rollout',
          'status',
          `deployment/fairlead-${part}`,
          '-n',
          'fairlead',
          '--timeout=180s',
        ])
      await sendAndSee()
    })

    test('recover.md: the encryption key is lost', { timeout: 600_000 }, async () => {
      await cluster.kubectl(['delete', 'secret', 'fairlead-encryption-keys', '-n', 'fairlead'])
      await shell(await commandsOf('recover.md', '## The encryption key is lost'))
      await shell(
        (await commandsOf('recover.md', 'Then, when the operator has nothing more to do')).split('\n```')[0]!,
      )
      await sendAndSee()
    })

    test('uninstall.md leaves what it says', { timeout: 600_000 }, async () => {
      await shell(await commandsOf('uninstall.md'))
      const secrets = await cluster.kubectl(['get', 'secrets', '-n', 'fairlead', '-o', 'name'])
      expect(secrets).toContain('secret/fairlead-postgres')
      expect(
        await cluster.kubectl([
          'get',
          'pvc',
          '-n',
          'fairlead',
          '-l',
          'app.kubernetes.io/instance=fairlead',
          '-o',
          'name',
        ]),
      ).toContain('data-fairlead-nats-0')
      expect(await cluster.kubectl(['get', 'organizations', '-A'])).toBe('')
    })
  },
)
