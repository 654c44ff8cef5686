import { createHash } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeCached } from '@fairlead/servers/cache'
import { goBuild, goInstall } from '@fairlead/servers/go'
import type { Progress } from '@fairlead/servers/search'

/**
 * Kubernetes' own programs, built from their Go modules: there is no other place that every machine can get them
 * from. go.mod and go.sum are committed complete (`modules/`), so the same bytes come out everywhere. From nothing
 * they take some 12 minutes of CPU; with Go's caches warm, one; afterwards they come from our cache.
 */
export interface KubePrograms {
  readonly etcd: string
  readonly apiServer: string
  readonly controllerManager: string
  readonly kubectl: string
}

/** What a cluster with nodes needs besides. */
export interface NodePrograms {
  readonly scheduler: string
  readonly kubelet: string
  readonly kubeProxy: string
  readonly coreDns: string
}

const coreDnsVersion = '1.15.0'

const modules = resolve(import.meta.dirname, 'modules')

/** Without a version the API server calls itself v0.0.0-master, and checks of version skew misbehave. */
function versionFlags(version: string): string {
  const path = 'k8s.io/component-base/version'
  const [major, minor] = version.slice(1).split('.')
  const values = {
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
  }
  return Object.entries(values)
    .map(([name, value]) => `-X ${path}.${name}=${value}`)
    .join(' ')
}

/** Builds what isn't in the cache yet. Needs Go 1.26 or newer on the PATH. */
export async function findKubePrograms(progress: Progress = console.error): Promise<KubePrograms> {
  const { version, key } = await readModules()
  const folder = await makeCached(
    `kubernetes-${version.slice(1)}-${key}`,
    async into => {
      progress(`building Kubernetes ${version} from its Go modules: minutes the first time`)
      await goBuild(join(modules, 'etcd'), ['go.etcd.io/etcd/server/v3'], into)
      await rename(join(into, 'server'), join(into, 'etcd'))
      await buildKubernetes(['kube-apiserver', 'kube-controller-manager', 'kubectl'], version, into)
    },
    progress,
  )
  return {
    etcd: join(folder, 'etcd'),
    apiServer: join(folder, 'kube-apiserver'),
    controllerManager: join(folder, 'kube-controller-manager'),
    kubectl: join(folder, 'kubectl'),
  }
}

/** Builds what isn't in the cache yet; an entry of its own, because most tests need no nodes. */
export async function findNodePrograms(progress: Progress = console.error): Promise<NodePrograms> {
  const { version, key } = await readModules()
  const folder = await makeCached(
    `kubernetes-node-${version.slice(1)}-${key}-coredns-${coreDnsVersion}`,
    async into => {
      progress(`building Kubernetes' node programs ${version} from their Go modules: minutes the first time`)
      await buildKubernetes(['kube-scheduler', 'kubelet', 'kube-proxy'], version, into)
      await goInstall(`github.com/coredns/coredns@v${coreDnsVersion}`, into)
    },
    progress,
  )
  return {
    scheduler: join(folder, 'kube-scheduler'),
    kubelet: join(folder, 'kubelet'),
    kubeProxy: join(folder, 'kube-proxy'),
    coreDns: join(folder, 'coredns'),
  }
}

/** Kubernetes' version, and a key that changes with anything that is built. */
async function readModules(): Promise<{ readonly version: string; readonly key: string }> {
  const files = ['etcd/go.mod', 'etcd/go.sum', 'kubernetes/go.mod', 'kubernetes/go.sum']
  const texts = await Promise.all(files.map(file => readFile(join(modules, file), 'utf8')))
  const version = /k8s\.io\/kubernetes (v[\d.]+)/.exec(texts[2]!)?.[1]
  if (version === undefined)
    throw new TypeError('modules/kubernetes/go.mod names no version of k8s.io/kubernetes')
  return { version, key: createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 12) }
}

function buildKubernetes(commands: readonly string[], version: string, into: string): Promise<void> {
  const packages = commands.map(command => `k8s.io/kubernetes/cmd/${command}`)
  return goBuild(join(modules, 'kubernetes'), packages, into, versionFlags(version))
}
