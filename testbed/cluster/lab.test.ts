import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isRunning } from '../process-tree.ts'
import { until } from '../until.ts'
import { openLab } from './lab.ts'
import { startNode } from './node.ts'
import { whyNoCluster } from './probe.ts'

const reason = await whyNoCluster()
if (reason && process.env.CI) throw new Error(`this machine can't host a cluster: ${reason}`)

describe.skipIf(reason)(reason ? `nodes (none here: ${reason})` : 'nodes', () => {
  test('two clusters have nodes of the same name side by side, and leave nothing behind', async () => {
    await using one = await openLab()
    await using other = await openLab()
    const nodes = [await startNode(one, 1), await startNode(other, 1)]
    const hosts = await Promise.all(nodes.map(node => node.exec(['hostname'])))
    expect(hosts.map(name => name.trim())).toEqual(['n1', 'n1'])
    const groups = (await Promise.all(nodes.map(cgroupsOf))).flat()
    for (const node of nodes) await node[Symbol.asyncDispose]()
    expect(nodes.map(({ pid }) => isRunning(pid))).toEqual([false, false])
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    for (const path of [one.path, other.path, ...groups]) await expect(access(path), path).rejects.toThrow()
  })

  test('a node dies with the process that started it, and the next cluster removes what it left', async () => {
    const program = resolve(import.meta.dirname, 'fixtures/hold-node.ts')
    const owner = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(owner.stdout, 'data')) as [Buffer]
    const { path, pid } = JSON.parse(line.toString()) as { path: string; pid: number }
    expect(isRunning(pid)).toBe(true)
    const groups = await cgroupsOf({ folder: join(path, 'n1') })
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await until(() => !isRunning(pid), { what: 'the end of the node' })
    expect(await readdir(path)).toContain('n1')
    await using _next = await openLab()
    for (const left of [path, ...groups]) await expect(access(left), left).rejects.toThrow()
  })
})

async function cgroupsOf({ folder }: { readonly folder: string }): Promise<string[]> {
  return (await readFile(join(folder, 'cgroups'), 'utf8')).trim().split('\n')
}
