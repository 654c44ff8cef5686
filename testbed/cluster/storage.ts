import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kubectl } from './control-plane.ts'
import type { ClusterNode } from './node.ts'

/** Volumes that a node has for claims. */
const perNode = 10

/** Makes a node's volumes, each a folder of its own; a pod with a claim stays on the node that it was started on first. */
export async function makeVolumes(node: ClusterNode, kubectl: Kubectl): Promise<void> {
  const volumes = Array.from({ length: perNode }, (_, index) => `${node.name}-${index + 1}`)
  for (const name of volumes) {
    // /var/lib of the node is this folder, see init.sh.
    const folder = join(node.folder, 'root/var/lib/volumes', name)
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o777)
  }
  const items = volumes.map(name => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'local',
      local: { path: `/var/lib/volumes/${name}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node.name] }],
            },
          ],
        },
      },
    },
  }))
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}
