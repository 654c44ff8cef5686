import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { findHelmProgram } from '../kube/helm.ts'
import { findKubePrograms, findNodePrograms, type KubePrograms, type NodePrograms } from '../kube/programs.ts'
import { makeCertificates } from './certificates.ts'
import { type Kubectl, startControlPlane, untilApiServerReady } from './control-plane.ts'
import { buildCoreDnsImage, buildPauseImage } from './images/base.ts'
import { openLab } from './lab.ts'
import { type ClusterNode, run, startNode } from './node.ts'
import { findRuntime, loadImages, type Runtime, startRuntime } from './runtime.ts'
import { makeVolumes } from './storage.ts'
import { wire } from './wire.ts'
import { startWorker } from './worker.ts'

/**
 * A real Kubernetes of one or two nodes on this machine: kubelet, containerd and kube-proxy in each, CoreDNS, volumes for
 * claims; pods really run. Started from the cache in about 12 s. Its network has no way out, so no program in it
 * reaches anything else. Several may run side by side.
 */
export interface Cluster extends AsyncDisposable {
  /** The administrator's; its server's address is known inside the cluster's network only. */
  readonly kubeconfig: string
  readonly nodes: readonly ClusterNode[]
  /** Runs kubectl as the administrator; answers with its output, rejects with what it says on standard error. */
  readonly kubectl: Kubectl
  /** Runs helm as the administrator. */
  helm(args: readonly string[]): Promise<string>
  /** Loads OCI archives into every node; pods use them with imagePullPolicy Never or IfNotPresent. */
  loadImages(archives: readonly string[]): Promise<void>
  /** What runs a program of this machine in the cluster's network, with its DNS: put it before the command. */
  readonly inNetwork: readonly string[]
  /**
   * The API server dies, and with it the controller manager: elsewhere that ends when it can't renew its lease. One that
   * went on would hold all nodes for lost afterwards, by leases that nobody could renew.
   */
  stopApiServer(): Promise<void>
  startApiServer(): Promise<void>
  /** How long each step of the start took, ms since its begin. */
  readonly steps: ReadonlyMap<string, number>
}

/** @throws Error when a step fails, with the ends of the daemons' logs; whyNoCluster says beforehand what a machine lacks */
export async function startCluster(options: { readonly nodes: 1 | 2 }): Promise<Cluster> {
  const steps = new Map<string, number>()
  const [kube, nodePrograms, runtime, helmProgram] = await Promise.all([
    findKubePrograms(),
    findNodePrograms(),
    findRuntime(),
    findHelmProgram(),
  ])
  const programs = { ...kube, ...nodePrograms }
  const startedMs = performance.now()
  const step = (name: string) => steps.set(name, Math.round(performance.now() - startedMs))

  await using cleanup = new AsyncDisposableStack()
  const lab = cleanup.use(await openLab())
  const certificates = await makeCertificates(join(lab.path, 'certificates'))
  step('certificates')
  const nodes: ClusterNode[] = []
  for (const number of [1, 2] as const) {
    if (number <= options.nodes) nodes.push(cleanup.use(await startNode(lab, number)))
  }
  await wire(nodes)
  step('nodes')
  const [first] = nodes as [ClusterNode]
  const kubeconfig = join(certificates, 'admin.conf')
  const kubectl: Kubectl = (args, input) =>
    run([...first.inNetwork, kube.kubectl, '--kubeconfig', kubeconfig, ...args], { input })

  try {
    await bringUp({ nodes, programs, runtime, certificates, kubectl, step })
  } catch (cause) {
    throw new Error(`the cluster didn't start: ${cause}\n${await lastWords(nodes)}`, { cause })
  }
  const held = cleanup.move()
  return {
    kubeconfig,
    nodes,
    kubectl,
    helm: args =>
      run([...first.inNetwork, helmProgram, ...args], {
        env: { ...helmHome(lab.path), KUBECONFIG: kubeconfig },
      }),
    async loadImages(more) {
      await Promise.all(nodes.map(node => loadImages(node, runtime, more)))
    },
    inNetwork: first.inNetwork,
    async stopApiServer() {
      await first.stop('apiserver', 'SIGKILL')
      await first.stop('controller-manager', 'SIGKILL')
    },
    async startApiServer() {
      await first.start('apiserver')
      await untilApiServerReady(kubectl)
      await first.start('controller-manager')
    },
    steps,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

interface Parts {
  readonly nodes: readonly ClusterNode[]
  readonly programs: KubePrograms & NodePrograms
  readonly runtime: Runtime
  readonly certificates: string
  readonly kubectl: Kubectl
  readonly step: (name: string) => void
}

/** From nodes that are wired to a cluster whose DNS answers. containerd starts while the control plane does. */
async function bringUp({ nodes, programs, runtime, certificates, kubectl, step }: Parts): Promise<void> {
  const [first] = nodes as [ClusterNode]
  const archives = await Promise.all([buildPauseImage(), buildCoreDnsImage(programs.coreDns)])
  await Promise.all([
    startControlPlane(first, programs, certificates, kubectl).then(() => step('API server')),
    ...nodes.map(async node => {
      await startRuntime(node, runtime)
      await loadImages(node, runtime, archives)
    }),
  ])
  step('containerd')
  const manifest = (name: string) => readFile(resolve(import.meta.dirname, 'manifests', name), 'utf8')
  await kubectl(['apply', '-f', '-'], await manifest('coredns.yaml'))
  await kubectl(['apply', '-f', '-'], await manifest('storage.yaml'))
  await Promise.all(nodes.map(node => startWorker(node, programs, runtime, certificates, kubectl)))
  step('nodes Ready')
  // Only there, so that what has a volume stays where it is when the second is drained.
  await makeVolumes(first, kubectl)
  await kubectl(['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=180s'])
  step('DNS')
}

/** The end of every daemon's log. */
async function lastWords(nodes: readonly ClusterNode[]): Promise<string> {
  const daemons = ['apiserver', 'controller-manager', 'containerd', 'kubelet', 'proxy']
  const words = nodes.flatMap(node =>
    daemons.map(async daemon => {
      const log = await node.log(daemon).catch(() => undefined)
      return log === undefined ? [] : [`${daemon} of ${node.name}:\n${log.slice(-1_500)}`]
    }),
  )
  return (await Promise.all(words)).flat().join('\n')
}

function helmHome(folder: string): Record<string, string> {
  return { HOME: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
}
