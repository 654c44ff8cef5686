import { type ClusterNode, run } from './node.ts'

const ip = (node: ClusterNode, ...args: string[]) =>
  run(['nsenter', '-t', String(node.pid), '-n', '--', 'ip', ...args])

/**
 * Gives the first node its address on a bridge (a dummy device isn't in every kernel), joins the second to that bridge by
 * a veth pair, and routes each one's pods to it. Nothing leads out of the two.
 */
export async function wire([first, second]: readonly ClusterNode[]): Promise<void> {
  if (!first) throw new TypeError('a cluster has a node')
  await ip(first, 'link', 'add', 'lab0', 'type', 'bridge')
  await ip(first, 'addr', 'add', `${first.address}/24`, 'dev', 'lab0')
  await ip(first, 'link', 'set', 'lab0', 'up')
  // Components look for a default route to find their own address.
  await ip(first, 'route', 'add', 'default', 'dev', 'lab0')
  if (!second) return
  const pair = ['type', 'veth', 'peer', 'name', 'lab0', 'netns', String(second.pid)]
  await ip(first, 'link', 'add', 'to-n2', ...pair)
  await ip(first, 'link', 'set', 'to-n2', 'master', 'lab0', 'up')
  await ip(second, 'addr', 'add', `${second.address}/24`, 'dev', 'lab0')
  await ip(second, 'link', 'set', 'lab0', 'up')
  await ip(second, 'route', 'add', 'default', 'dev', 'lab0')
  await ip(first, 'route', 'add', second.pods, 'via', second.address)
  await ip(second, 'route', 'add', first.pods, 'via', first.address)
}
