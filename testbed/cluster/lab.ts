import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheFolder } from '@fairlead/servers/cache'
import { commandOf, pidFile } from '@fairlead/servers/processes'
import { until } from '../until.ts'

/**
 * The folder of one cluster: its nodes' file trees, etcd's data, certificates and logs. It belongs to the process that
 * made it. A process that was killed takes its nodes with it, but not their folders and cgroups: the next cluster, of any
 * process, removes those first.
 */
export interface Lab extends AsyncDisposable {
  readonly path: string
}

interface Owner {
  readonly pid: number
  readonly command: string | undefined
}

export async function openLab(): Promise<Lab> {
  const all = await labsFolder()
  for (const name of await readdir(all)) await removeIfAbandoned(join(all, name))
  const path = await mkdtemp(join(all, 'cluster-'))
  const owner: Owner = { pid: process.pid, command: await commandOf(process.pid) }
  await writeFile(join(path, 'owner.json'), JSON.stringify(owner))
  return { path, [Symbol.asyncDispose]: () => removeLab(path) }
}

/** In the cache's folder: on a real file system, which /tmp may not be. */
export async function labsFolder(): Promise<string> {
  const folder = join(cacheFolder(), 'clusters')
  await mkdir(folder, { recursive: true })
  return folder
}

/** A pid alone proves nothing, it may be anyone's by now: the command line has to be the same too. */
async function removeIfAbandoned(path: string): Promise<void> {
  const text = await readFile(join(path, 'owner.json'), 'utf8').catch(() => undefined)
  // No owner yet: its maker is between two system calls, or was killed there and left an empty folder.
  if (text === undefined) return
  const owner = JSON.parse(text) as Owner
  if ((await commandOf(owner.pid)) === owner.command) return
  for (const name of await readdir(join(path, 'run')).catch(() => [])) {
    const pid = Number((await readFile(pidFile(path, name.replace(/\.pid$/, '')), 'utf8')).split('\n')[0])
    if ((await commandOf(pid))?.includes(path)) process.kill(pid, 'SIGKILL')
  }
  await removeLab(path)
}

async function removeLab(path: string): Promise<void> {
  for (const node of ['n1', 'n2']) {
    const list = await readFile(join(path, node, 'cgroups'), 'utf8').catch(() => '')
    for (const group of list.split('\n').filter(Boolean)) await removeCgroup(group)
  }
  // A process that was just killed may still be writing its last file, and mounts go some moments after it.
  await until(
    async () => {
      await rm(path, { recursive: true, force: true })
      return true
    },
    { deadlineMs: 60_000, everyMs: 50, what: `the end of ${path}` },
  )
}

/** Takes nested ones first. The kernel refuses while a process in it is still dying. */
async function removeCgroup(group: string): Promise<void> {
  const removed = async () => {
    const folders = await readdir(group, { recursive: true, withFileTypes: true }).catch(() => undefined)
    if (!folders) return true
    const nested = folders
      .filter(entry => entry.isDirectory())
      .map(entry => join(entry.parentPath, entry.name))
    const deepestFirst = nested.sort((one, other) => other.length - one.length)
    for (const folder of [...deepestFirst, group]) await rmdir(folder)
    return true
  }
  await until(removed, { deadlineMs: 60_000, everyMs: 50, what: `the end of the cgroup ${dirname(group)}` })
}
