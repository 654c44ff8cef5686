import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'

const mebibyte = 1024 ** 2

/** Memory of each running pod of a namespace: its working set in MiB, as the kubelet counts it, from its cgroup. */
export async function readPodMemory(cluster: Cluster, namespace: string): Promise<Map<string, number>> {
  const list = await cluster.kubectl([
    ...['get', 'pods', '-n', namespace, '--field-selector=status.phase=Running', '-o'],
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.spec.nodeName}{"\\n"}{end}',
  ])
  const memory = new Map<string, number>()
  for (const [name, uid, nodeName] of list
    .trim()
    .split('\n')
    .map(line => line.split(' '))) {
    const node = cluster.nodes.find(({ name: of }) => of === nodeName)!
    const groups = await readFile(join(node.folder, 'cgroups'), 'utf8')
    const root = groups.split('\n').find(group => group.startsWith('/sys/fs/cgroup/memory/'))!
    const folders = await readdir(root, { recursive: true })
    const pod = folders.find(folder => folder.endsWith(`pod${uid}`))
    if (pod === undefined) throw new Error(`${name} has no cgroup`)
    const stat = await readFile(join(root, pod, 'memory.stat'), 'utf8')
    // Working set, as the kubelet counts it: what is used, without files that were not read lately.
    const used = Number(await readFile(join(root, pod, 'memory.usage_in_bytes'), 'utf8'))
    const inactive = Number(/^total_inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0)
    memory.set(name!, Math.round((used - inactive) / mebibyte))
  }
  return memory
}
