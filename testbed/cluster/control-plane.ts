import { join } from 'node:path'
import type { KubePrograms, NodePrograms } from '../kube/programs.ts'
import { until } from '../until.ts'
import type { ClusterNode } from './node.ts'

export type Kubectl = (args: readonly string[], input?: string) => Promise<string>

/** etcd, kube-apiserver, kube-controller-manager and kube-scheduler in the first node. */
export async function startControlPlane(
  node: ClusterNode,
  programs: KubePrograms & NodePrograms,
  certificates: string,
  kubectl: Kubectl,
): Promise<void> {
  const file = (name: string) => join(certificates, name)
  await node.start('etcd', [
    ...[programs.etcd, '--data-dir', join(node.folder, 'etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls=http://127.0.0.1:2379', '--advertise-client-urls=http://127.0.0.1:2379'],
    '--listen-peer-urls=http://127.0.0.1:2380',
  ])
  await node.start('apiserver', [
    ...[programs.apiServer, '--etcd-servers=http://127.0.0.1:2379', `--advertise-address=${node.address}`],
    ...['--bind-address=0.0.0.0', '--secure-port=6443', '--service-cluster-ip-range=10.96.0.0/24'],
    ...[`--tls-cert-file=${file('apiserver.crt')}`, `--tls-private-key-file=${file('apiserver.key')}`],
    ...[`--client-ca-file=${file('ca.crt')}`, '--authorization-mode=Node,RBAC', '--allow-privileged=true'],
    ...['--enable-admission-plugins=NodeRestriction'],
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    ...[`--service-account-signing-key-file=${file('accounts.key')}`],
    ...[`--service-account-key-file=${file('accounts.pub')}`],
    // By address: else exec and logs look up "n1" and hang.
    ...[`--kubelet-certificate-authority=${file('ca.crt')}`, '--kubelet-preferred-address-types=InternalIP'],
    `--kubelet-client-certificate=${file('apiserver-kubelet.crt')}`,
    `--kubelet-client-key=${file('apiserver-kubelet.key')}`,
    // The aggregation layer: metrics and other APIs of pods.
    `--requestheader-client-ca-file=${file('front-proxy-ca.crt')}`,
    ...['--requestheader-allowed-names=front-proxy', '--requestheader-username-headers=X-Remote-User'],
    '--requestheader-group-headers=X-Remote-Group',
    ...['--requestheader-extra-headers-prefix=X-Remote-Extra-', '--enable-aggregator-routing=true'],
    `--proxy-client-cert-file=${file('front-proxy.crt')}`,
    `--proxy-client-key-file=${file('front-proxy.key')}`,
  ])
  await untilApiServerReady(kubectl)
  const as = (who: string) =>
    ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      flag => `--${flag}=${file(`${who}.conf`)}`,
    )
  await node.start('controller-manager', [
    ...[programs.controllerManager, ...as('controller-manager'), '--leader-elect=false'],
    ...['--bind-address=127.0.0.1', '--use-service-account-credentials=true'],
    // With the default of 20 it spends its first seconds waiting for itself to make its accounts.
    ...['--kube-api-qps=500', '--kube-api-burst=500'],
    // No --allocate-node-cidrs: each node's CNI configuration names its range, whatever order nodes join in.
    ...[`--service-account-private-key-file=${file('accounts.key')}`, `--root-ca-file=${file('ca.crt')}`],
    ...[`--cluster-signing-cert-file=${file('ca.crt')}`, `--cluster-signing-key-file=${file('ca.key')}`],
  ])
  await node.start('scheduler', [
    ...[programs.scheduler, ...as('scheduler'), '--leader-elect=false', '--bind-address=127.0.0.1'],
  ])
}

export async function untilApiServerReady(kubectl: Kubectl): Promise<void> {
  await until(() => kubectl(['get', '--raw', '/readyz']), {
    deadlineMs: 90_000,
    everyMs: 100,
    what: 'the API server',
  })
}
