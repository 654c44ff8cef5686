import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRunning, processTree } from '@fairlead/testbed/process-tree'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { fillCache } from './fill-cache.mjs'

/** A slow and crowded machine takes as long, ms. */
const patienceMs = 170_000

test('each start compiles its modules again, or none does after a fill that was broken off', async () => {
  await using folder = await scratchFolder()
  const cache = join(folder.path, 'cache')
  const lines: string[] = []
  const fill = (timeoutMs: number) => fillCache(cache, line => lines.push(line), timeoutMs)
  await fill(1)
  await fill(patienceMs)
  const entries = await readdir(cache, { withFileTypes: true })
  const filled = join(cache, entries.find(entry => entry.isDirectory())!.name)
  const modules = await readdir(filled)
  // The modules of Fairlead alone are more than that.
  expect(modules.length).toBeGreaterThan(500)
  // A process that loads them again would write it again.
  await rm(join(filled, modules[0]!))
  await fill(patienceMs)
  expect(await readdir(filled)).not.toContain(modules[0])
  expect(lines.length).toBe(2)
})

test('a folder that nothing can be written to keeps Fairlead from starting', async () => {
  await using folder = await scratchFolder()
  const file = join(folder.path, 'file')
  await writeFile(file, '')
  await expect(fillCache(join(file, 'cache'), () => {})).resolves.toBeUndefined()
})

test('Ctrl-C while modules are compiled leaves the process that does it', async () => {
  await using folder = await scratchFolder()
  const launcher = spawn(process.execPath, [join(import.meta.dirname, 'start.mjs')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      FAIRLEAD_HOME: join(folder.path, 'home'),
      NODE_COMPILE_CACHE: join(folder.path, 'cache'),
    },
  })
  let output = ''
  launcher.stdout.on('data', chunk => (output += chunk))
  try {
    const exited = once(launcher, 'exit')
    await until(() => output.includes('compiling'), { what: 'a line that says so' })
    const compiling = await until(() => processTree(launcher.pid!)[1], { what: 'its process' })
    launcher.kill('SIGINT')
    expect(await exited).toEqual([130, null])
    await until(() => !isRunning(compiling), { what: 'the end of its process' })
  } finally {
    launcher.kill('SIGKILL')
  }
})
