import { execFile } from 'node:child_process'
import { access, constants, readdir, statfs } from 'node:fs/promises'
import { promisify } from 'node:util'
import { distribution } from '@fairlead/servers/debian'
import { labsFolder } from './lab.ts'

const tmpfsMagic = 0x01021994
const controllers = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids']
const programs = [
  ...['bash', 'awk', 'ip', 'mount', 'nsenter', 'unshare', 'setpriv', 'openssl', 'go', 'apt-get', 'dpkg'],
]

/** Why this machine can't host a cluster, as a sentence's end; undefined if it can. What can be fetched isn't asked for. */
export async function whyNoCluster(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs Linux on x64'
  if (process.getuid?.() !== 0) return 'it needs root, for namespaces and cgroups'
  // Nodes bring the daemons of containerd 1.6 and a kubelet with cgroupfs: both as they are on cgroup v1.
  const found: readonly string[] = await readdir('/sys/fs/cgroup').catch(() => [])
  const missing = controllers.filter(name => !found.includes(name))
  if (missing.length > 0) return `it needs the cgroup v1 controllers ${missing.join(', ')} at /sys/fs/cgroup`
  for (const program of programs) {
    if (!(await isThere(program))) return `${program} is not on the PATH`
  }
  if ((await distribution()) === undefined)
    return 'containerd comes from Debian packages, and this is no Debian'
  if (!(await can('/dev/kmsg', constants.R_OK))) return 'kubelet needs /dev/kmsg'
  if ((await statfs(await labsFolder())).type === tmpfsMagic)
    return `${await labsFolder()} is a tmpfs, on which overlayfs can't write`
  const namespaces = ['-m', '-n', '-p', '-u', '-i', '-C', '-f', 'true']
  const error = await promisify(execFile)('unshare', namespaces).then(
    () => undefined,
    (refused: Error) => refused,
  )
  return error && `namespaces are refused: ${error.message.trim().split('\n').at(-1)}`
}

async function isThere(program: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    if (await can(`${folder}/${program}`, constants.X_OK)) return true
  }
  return false
}

function can(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
