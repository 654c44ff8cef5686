import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodePrograms } from '../kube/programs.ts'
import type { Kubectl } from './control-plane.ts'
import type { ClusterNode } from './node.ts'
import type { Runtime } from './runtime.ts'

/** kubelet and kube-proxy in a node whose containerd runs; answers when the node is Ready. */
export async function startWorker(
  node: ClusterNode,
  programs: NodePrograms,
  runtime: Runtime,
  certificates: string,
  kubectl: Kubectl,
): Promise<void> {
  const etc = join(node.folder, 'etc')
  // YAML is a superset of JSON.
  await writeFile(join(etc, 'kubelet.yaml'), JSON.stringify(kubeletConfig(node, certificates)))
  await writeFile(join(etc, 'proxy.yaml'), JSON.stringify(proxyConfig(node, certificates)))
  await node.start(
    'kubelet',
    [
      ...[programs.kubelet, `--config=${join(etc, 'kubelet.yaml')}`, '--root-dir=/var/lib/kubelet'],
      `--kubeconfig=${join(certificates, `kubelet-${node.name}.conf`)}`,
      ...[`--hostname-override=${node.name}`, `--node-ip=${node.address}`],
    ],
    runtime.env,
  )
  await node.start('proxy', [programs.kubeProxy, `--config=${join(etc, 'proxy.yaml')}`], runtime.env)
  await kubectl(['wait', '--for=create', `node/${node.name}`, '--timeout=180s'])
  await kubectl(['wait', '--for=condition=Ready', `node/${node.name}`, '--timeout=180s'])
}

function kubeletConfig(node: ClusterNode, certificates: string) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    failSwapOn: false,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    // No resolver but the cluster's own.
    resolvConf: '',
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    registerNode: true,
    tlsCertFile: join(certificates, `kubelet-${node.name}.crt`),
    tlsPrivateKeyFile: join(certificates, `kubelet-${node.name}.key`),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(certificates, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    // Never deletes an image: there is no registry to get it back from.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
  }
}

function proxyConfig(node: ClusterNode, certificates: string) {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clusterCIDR: '10.244.0.0/16',
    hostnameOverride: node.name,
    clientConnection: { kubeconfig: join(certificates, 'proxy.conf') },
    // Zero leaves these settings alone: they are the machine's.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  }
}
