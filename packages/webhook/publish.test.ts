import { execFile } from 'node:child_process'
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packPackage, published } from './build.ts'
import { findRuntimes } from './fixtures/runtimes.ts'
import { aCertificate } from './fuzz/a-certificate-authority.ts'
import { sampleRequest } from './sample-request.ts'

/*
 * The npm package, installed from its tarball into an empty folder, verifies requests in each supported runtime.
 */

const execute = promisify(execFile)

const entries: readonly unknown[] = ['provider-vectors.json', 'handshakes.json'].flatMap(name =>
  JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8')),
)

/** PayPal's certificates as they would be fetched, up to a root of the test's own. */
function paypalChain(): object {
  const root = aCertificate({ commonName: 'Test Root', isCa: true })
  const name = 'messageverificationcerts.paypal.com'
  const leaf = aCertificate({ commonName: name, names: [name], issuer: root })
  const options = { webhookId: '8PT597110X687430LKGECATA' }
  const nowMs = Date.UTC(2026, 0, 1)
  const signed = sampleRequest('paypal', { options, nowMs, random: () => 0.5, privateKey: leaf.privateKey })
  const request = { ...signed, body: Buffer.from(signed.body).toString() }
  return {
    config: { provider: 'paypal', secrets: [], options },
    request,
    nowMs,
    leaf: leaf.certificate,
    root: root.certificate,
  }
}

/** Prints which vectors pass; a throw is a failure of the process. */
const script = (prefix: string) => `
import { checkVectors } from '${prefix}check-vectors${prefix.startsWith('.') ? '.js' : ''}'
import { openScheme } from '${prefix}open${prefix.startsWith('.') ? '.js' : ''}'
import { receive } from '${prefix}receive${prefix.startsWith('.') ? '.js' : ''}'

const entries = ${JSON.stringify(entries)}

const { config, request, nowMs, leaf, root } = ${JSON.stringify(paypalChain())}

export async function run() {
  const results = await checkVectors(entries)
  const github = openScheme({ provider: 'github', secrets: ['test'] })
  const received = await receive(new Request('https://a.example/in?b=c', { method: 'POST', body: '{}' }))
  const paypal = openScheme(config, async () => leaf, [root])
  console.log(JSON.stringify({
    paypal: await paypal.verify({ ...request, body: new TextEncoder().encode(request.body) }, nowMs),
    passed: results.filter(result => result.passed).length,
    failed: results.filter(result => !result.passed),
    unsigned: github.verify(received, Date.now()),
  }))
}
`

let folder: string
let tools: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-publish-'))
  const [tarball, installed] = [packPackage(folder), await findRuntimes()]
  tools = installed
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  await execute('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder })
  writeFileSync(join(folder, 'verify.mjs'), `${script('@fairlead/webhook/')}await run()\n`)
}, 600_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function runIn(program: string, ...args: string[]): Promise<void> {
  const { stdout } = await execute(join(tools, program), args, { cwd: folder, timeout: 150_000 })
  const said = JSON.parse(stdout.slice(stdout.indexOf('{')))
  expect(said.unsigned).toMatchObject({ kind: 'invalid', reason: 'signature_missing' })
  expect(said.paypal).toEqual({ kind: 'valid' })
  expect(said.failed).toEqual([])
  expect(said.passed).toBe(165 + 20)
}

test('Node 22', () => runIn('node', 'verify.mjs'))
test('Bun', () => runIn('bun', 'verify.mjs'))
test('Deno', () => runIn('deno', 'run', '--allow-read', '--cached-only', 'verify.mjs'))

test('Cloudflare Workers: workerd with nodejs_compat', async () => {
  const files = globSync('node_modules/@fairlead/webhook/**/*.js', { cwd: folder })
  const embed = (file: string) => `(name = ${JSON.stringify(file)}, esModule = embed ${JSON.stringify(file)})`
  writeFileSync(
    join(folder, 'worker.js'),
    `${script('./node_modules/@fairlead/webhook/')}export default { test: run }\n`,
  )
  writeFileSync(
    join(folder, 'worker.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
const main :Workerd.Worker = (
  modules = [${['worker.js', ...files].map(embed).join(', ')}],
  compatibilityDate = "2026-01-01",
  compatibilityFlags = ["nodejs_compat"],
);
`,
  )
  await runIn('workerd', 'test', 'worker.capnp')
})

test('it holds what it publishes, needs nothing else, and brings no TypeScript that Node would refuse', () => {
  const root = join(folder, 'node_modules/@fairlead/webhook')
  const files = globSync('**/*', { cwd: root }).filter(file => statSync(join(root, file)).isFile())
  for (const entry of published)
    expect(files).toEqual(expect.arrayContaining([`${entry}.js`, `${entry}.d.ts`]))
  expect(files.filter(file => /\.(ts|json)$/.test(file) && !file.endsWith('.d.ts'))).toEqual(['package.json'])
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(manifest).not.toHaveProperty('private')
  expect(Object.keys(manifest).filter(name => /dependencies/i.test(name))).toEqual([])
  const imports = files
    .filter(file => file.endsWith('.js'))
    .flatMap(
      file =>
        readFileSync(join(root, file), 'utf8').match(/(?<=^(?:import|export) .*from ['"])[^'"]+/gm) ?? [],
    )
  expect(imports.filter(name => !/^(\.\.?\/.*\.js|node:[a-z]+)$/.test(name))).toEqual([])
})

test('its types narrow the options by provider, in a strict project that checks its dependencies too', async () => {
  writeFileSync(
    join(folder, 'use.ts'),
    `import { defineSource } from '@fairlead/webhook/define-source'
import { openScheme } from '@fairlead/webhook/open'
import type { Verdict } from '@fairlead/webhook/scheme'
const scheme = openScheme(defineSource({ provider: 'paypal', options: { webhookId: 'x' } }))
const verdict: Verdict = await scheme.verify({ method: 'POST', url: '', headers: {}, body: new Uint8Array() }, 0)
if (verdict.kind === 'invalid') verdict.reason satisfies string
// @ts-expect-error PayPal needs its webhookId
defineSource({ provider: 'paypal' })
// @ts-expect-error no such provider
defineSource({ provider: 'striep', secrets: ['x'] })
`,
  )
  const repository = join(import.meta.dirname, '../..')
  const types = join(repository, 'node_modules/@types')
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--typeRoots', types]
  const tsc = join(repository, 'node_modules/typescript/bin/tsc')
  const args = [tsc, ...options, '--types', 'node', '--skipLibCheck', 'false', 'use.ts']
  const { stdout } = await execute(process.execPath, args, { cwd: folder }).catch(error => error)
  expect(stdout).toBe('')
})
