import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCached } from '@fairlead/servers/cache'
import { distribution, unpackDebian } from '@fairlead/servers/debian'
import { until } from '../until.ts'
import type { ClusterNode } from './node.ts'

/** containerd, runc, the CNI plugins and iptables from Debian's packages, run from the cache: nothing is installed. */
export interface Runtime {
  readonly containerd: string
  readonly ctr: string
  readonly runc: string
  readonly cniPlugins: string
  /** What containerd, kubelet and kube-proxy need to find these and their libraries. */
  readonly env: Readonly<Record<string, string>>
}

export async function findRuntime(progress: (line: string) => void = console.error): Promise<Runtime> {
  const folder = await makeCached(
    `containerd-${await distribution()}-${process.arch}`,
    async into => {
      const packages = ['containerd', 'runc', 'containernetworking-plugins', 'iptables']
      await unpackDebian(packages, into, progress)
      // The package's post-install script would make these links, by update-alternatives.
      for (const name of ['iptables', 'ip6tables']) {
        for (const suffix of ['', '-save', '-restore']) {
          await symlink('xtables-nft-multi', join(into, 'usr', 'sbin', `${name}${suffix}`))
        }
      }
    },
    progress,
  )
  const libraries = join(folder, 'usr', 'lib', 'x86_64-linux-gnu')
  return {
    containerd: join(folder, 'usr/bin/containerd'),
    ctr: join(folder, 'usr/bin/ctr'),
    runc: join(folder, 'usr/sbin/runc'),
    cniPlugins: join(folder, 'usr/lib/cni'),
    env: {
      PATH: `${join(folder, 'usr/sbin')}:${join(folder, 'usr/bin')}:${process.env.PATH}`,
      LD_LIBRARY_PATH: libraries,
      XTABLES_LIBDIR: join(libraries, 'xtables'),
    },
  }
}

/** Starts a node's containerd. Needs no API server, so it can start while that does. */
export async function startRuntime(node: ClusterNode, runtime: Runtime): Promise<void> {
  const etc = join(node.folder, 'etc')
  await mkdir(join(etc, 'cni'), { recursive: true })
  await writeFile(join(etc, 'containerd.toml'), containerdConfig(runtime, join(etc, 'cni')))
  await writeFile(join(etc, 'cni', '10-test.conflist'), JSON.stringify(network(node.pods)))
  await node.start('containerd', [runtime.containerd, '--config', join(etc, 'containerd.toml')], runtime.env)
  await until(() => node.exec([runtime.ctr, 'version'], runtime.env), {
    deadlineMs: 30_000,
    everyMs: 50,
    what: `containerd of ${node.name}`,
  })
}

/** Loads OCI archives. Pods use them with imagePullPolicy Never or IfNotPresent: there is no registry. */
export async function loadImages(
  node: ClusterNode,
  runtime: Runtime,
  archives: readonly string[],
): Promise<void> {
  for (const archive of archives) {
    await node.exec([runtime.ctr, '--namespace', 'k8s.io', 'images', 'import', archive], runtime.env)
  }
}

/**
 * For containerd 1.6. `restrict_oom_score_adj`: a root of fewer rights may not lower oom scores, and runc fails ("can't
 * get final child's PID from pipe") when told to. `SystemdCgroup`: there is no systemd in a node.
 */
function containerdConfig(runtime: Runtime, cniFolder: string): string {
  return `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "${runtime.runc}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${runtime.cniPlugins}"
    conf_dir = "${cniFolder}"
`
}

/** ptp rather than bridge: the node routes all pod traffic, so kube-proxy's rules see it, also between its own pods. */
function network(pods: string) {
  return {
    cniVersion: '0.4.0',
    name: 'test',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        mtu: 1500,
        ipam: {
          type: 'host-local',
          dataDir: '/run/cni-ipam',
          ranges: [[{ subnet: pods }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}
