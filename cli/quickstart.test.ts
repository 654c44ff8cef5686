import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { expect, test } from 'vitest'
import { compileCache } from './fixtures/run-here.ts'

/** docs/API_QUICKSTART.md as a newcomer runs it, against `npm start`: every command of it, in one shell. */
const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs', 'API_QUICKSTART.md'), 'utf8')

interface Block {
  readonly commands: string
  /** Lines that its output must have; `…` stands for anything. */
  readonly expected: readonly string[]
}

/** Every block of commands, with what the page says that it prints. */
function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)^```\n(?:```text\n([\s\S]*?)^```\n)?/gm)].map(
    ([, commands = '', output = '']) => ({
      commands,
      expected: output.split('\n').filter(line => line !== ''),
    }),
  )
}

/** `npx fairlead` is the command of this checkout, without the second that npx takes to find it. */
function scriptOf(blocks: readonly Block[]): string {
  const command = `npx() { [ "$1" = fairlead ] || return 9; shift; "${process.execPath}" "${join(root, 'cli', 'main.ts')}" "$@"; }`
  const marked = blocks.map(({ commands }, i) => `echo "=== block ${i}"\n${commands}`)
  return ['set -euo pipefail', command, ...marked, 'echo "=== end"'].join('\n')
}

test('the page has all steps, and no command that the test would not run', () => {
  const fences = page.match(/^```\w*$/gm) ?? []
  expect(fences.filter(fence => fence !== '```' && fence !== '```sh' && fence !== '```text')).toEqual([])
  expect(blocksOf(page).length).toBe(fences.filter(fence => fence === '```sh').length)
  const { bin } = JSON.parse(readFileSync(join(root, 'cli', 'package.json'), 'utf8'))
  expect(bin.fairlead).toBe('main.ts')
})

test('every command of the quickstart works, and prints what the page says', {
  timeout: 300_000,
}, async () => {
  await using scratch = await scratchFolder()
  await using database = await createTestDatabase()
  const settings = { ...(await freeSettings(scratch.path)), postgresUrl: database.url }
  await using standalone = startStandalone(settings)
  await standalone.ready({ deadlineMs: 120_000 })
  const [, link = ''] = /^ {2}(http\S+\/auth\/printed#token=\S+)$/m.exec(standalone.output) ?? []
  const blocks = blocksOf(
    page
      .replaceAll(':8081', `:${settings.apiPort}`)
      .replaceAll(':8080', `:${settings.receiverPort}`)
      .replaceAll(':8082', `:${settings.echoPort}`),
  )
  const { code, output } = await run(scriptOf(blocks), {
    LINK: link,
    FAIRLEAD_HOME: join(scratch.path, 'no-key-here'),
    XDG_CONFIG_HOME: scratch.path,
    TMPDIR: scratch.path,
  })
  expect(code, output).toBe(0)
  for (const [i, { expected }] of blocks.entries()) {
    const [, printed = ''] = output.split(`=== block ${i}\n`)
    const own = printed.split(/^=== /m)[0]!
    for (const line of expected) expect(own, `block ${i}`).toMatch(patternOf(line))
  }
})

function patternOf(line: string): RegExp {
  const parts = line.split('…').map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(parts.join('.*'))
}

async function run(script: string, env: Record<string, string>) {
  const child = spawn('bash', ['-c', script], {
    cwd: root,
    env: { PATH: process.env.PATH, NO_COLOR: '1', TZ: 'UTC', ...compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Both in one, as in a terminal.
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  const [code] = await once(child, 'close')
  return { code: code as number, output }
}
