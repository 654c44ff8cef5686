import { BlockList, isIPv6 } from 'node:net'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

/**
 * What NetworkPolicies allow, decided as a network plugin would, without one: from the objects alone.
 *
 *   out of `from`: no policy with Egress selects it, or a rule of one that does allows it
 *   into `to`:     no policy with Ingress selects it, or a rule of one that does allows it
 *
 * Both must say yes. https://kubernetes.io/docs/concepts/services-networking/network-policies/
 *
 * A pod counts as its address in an ipBlock, as with most plugins; the API leaves that open.
 */
export function allows(connection: Connection, { policies, namespaces }: Network): boolean {
  const { from, to } = connection
  return (
    (from.kind === 'address' || permits('Egress', from, to, connection, policies, namespaces)) &&
    (to.kind === 'address' || permits('Ingress', to, from, connection, policies, namespaces))
  )
}

export interface Network {
  readonly policies: readonly NetworkPolicy[]
  /** Labels of each namespace, by its name. */
  readonly namespaces: Readonly<Record<string, Labels>>
}

export interface Connection {
  readonly from: End
  readonly to: End
  /** The port at `to`'s pod, not at a Service before it. */
  readonly port: number
  /** Default TCP. */
  readonly protocol?: Protocol
}

/** A pod, or an address outside of the cluster. */
export type End = Pod | { readonly kind: 'address'; readonly address: string }

export interface Pod {
  readonly kind: 'pod'
  readonly namespace: string
  readonly labels: Labels
  readonly address: string
  /** What its containers name, by name. */
  readonly namedPorts: Readonly<Record<string, { readonly number: number; readonly protocol: Protocol }>>
}

type Labels = Readonly<Record<string, string>>
export type Protocol = 'TCP' | 'UDP' | 'SCTP'
type Direction = 'Ingress' | 'Egress'

function permits(
  direction: Direction,
  self: Pod,
  other: End,
  connection: Connection,
  policies: readonly NetworkPolicy[],
  namespaces: Network['namespaces'],
): boolean {
  const selecting = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === self.namespace &&
      directionsOf(spec).includes(direction) &&
      selects(spec.podSelector, self.labels),
  )
  if (selecting.length === 0) return true
  return selecting.some(({ metadata, spec }) => {
    const rules = direction === 'Ingress' ? spec.ingress : spec.egress
    return (rules ?? []).some(rule => {
      const peers = ('from' in rule ? rule.from : 'to' in rule ? rule.to : undefined) ?? []
      return (
        (peers.length === 0 || peers.some(peer => isPeer(peer, other, metadata.namespace, namespaces))) &&
        takesPort(rule.ports ?? [], connection)
      )
    })
  })
}

/** Without `policyTypes`: Ingress, and Egress where there are egress rules. */
function directionsOf({ policyTypes, egress }: NetworkPolicy['spec']): readonly Direction[] {
  return policyTypes ?? (egress === undefined ? ['Ingress'] : ['Ingress', 'Egress'])
}

function isPeer(peer: Peer, end: End, namespace: string, namespaces: Network['namespaces']): boolean {
  if (peer.ipBlock) return inBlock(peer.ipBlock, end.address)
  if (end.kind === 'address') return false
  const inNamespace = peer.namespaceSelector
    ? selects(peer.namespaceSelector, namespaces[end.namespace] ?? {})
    : end.namespace === namespace
  return inNamespace && (peer.podSelector === undefined || selects(peer.podSelector, end.labels))
}

function inBlock({ cidr, except = [] }: NonNullable<Peer['ipBlock']>, address: string): boolean {
  return inSubnet(cidr, address) && !except.some(part => inSubnet(part, address))
}

function inSubnet(cidr: string, address: string): boolean {
  const [network, prefix] = cidr.split('/')
  if (isIPv6(network!) !== isIPv6(address)) return false
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network!, Number(prefix), family)
  return list.check(address, family)
}

/** No port at all means every port. A name is one of the pod that is connected to. */
function takesPort(ports: readonly Port[], { to, port, protocol = 'TCP' }: Connection): boolean {
  return (
    ports.length === 0 ||
    ports.some(wanted => {
      if (wanted.protocol !== protocol) return false
      if (wanted.port === undefined) return true
      if (typeof wanted.port === 'number')
        return port >= wanted.port && port <= (wanted.endPort ?? wanted.port)
      const named = to.kind === 'pod' ? to.namedPorts[wanted.port] : undefined
      return named?.number === port && named.protocol === protocol
    })
  )
}

/** An empty selector selects everything. */
function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value)
        case 'NotIn':
          return value === undefined || !values.includes(value)
        case 'Exists':
          return value !== undefined
        case 'DoesNotExist':
          return value === undefined
        default:
          throw new TypeError(`unknown operator ${operator satisfies never}`)
      }
    })
  )
}

// Strict: a field that isn't known here would be one that isn't evaluated.
const selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
})
type Selector = z.output<typeof selector>

const peer = z.strictObject({
  podSelector: selector.optional(),
  namespaceSelector: selector.optional(),
  ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).optional() }).optional(),
})
type Peer = z.output<typeof peer>

const port = z.strictObject({
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
  port: z.union([z.int(), z.string()]).optional(),
  endPort: z.int().optional(),
})
type Port = z.output<typeof port>

const networkPolicy = z.object({
  kind: z.literal('NetworkPolicy'),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).optional(),
    ingress: z
      .array(z.strictObject({ from: z.array(peer).optional(), ports: z.array(port).optional() }))
      .optional(),
    egress: z
      .array(z.strictObject({ to: z.array(peer).optional(), ports: z.array(port).optional() }))
      .optional(),
  }),
})
export type NetworkPolicy = z.output<typeof networkPolicy>

const podTemplate = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    containers: z.array(
      z.object({
        ports: z
          .array(
            z.object({
              name: z.string(),
              containerPort: z.int(),
              protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
            }),
          )
          .default([]),
      }),
    ),
  }),
})

const workload = z.object({
  kind: z.enum(['Deployment', 'StatefulSet', 'Job']),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ template: podTemplate }),
})

/** Policies of a manifest, parsed strictly. */
export function readPolicies(manifest: string): NetworkPolicy[] {
  return objectsOf(manifest).flatMap(object =>
    kindOf(object) === 'NetworkPolicy' ? [networkPolicy.parse(object)] : [],
  )
}

/**
 * A pod for each workload of a manifest, by the component that its labels name. Addresses are of a usual pod network,
 * 10.244.0.0/16.
 */
export function readPods(manifest: string): ReadonlyMap<string, Pod> {
  const workloads = objectsOf(manifest).flatMap(object => {
    const parsed = workload.safeParse(object)
    return parsed.success ? [parsed.data] : []
  })
  return new Map(
    workloads.map(({ metadata, spec }, index) => {
      const { labels } = spec.template.metadata
      const ports = spec.template.spec.containers.flatMap(container => container.ports)
      const pod: Pod = {
        kind: 'pod',
        namespace: metadata.namespace,
        labels,
        address: `10.244.0.${index + 1}`,
        namedPorts: Object.fromEntries(
          ports.map(({ name, containerPort, protocol }) => [name, { number: containerPort, protocol }]),
        ),
      }
      return [labels['app.kubernetes.io/component'] ?? metadata.name, pod]
    }),
  )
}

function objectsOf(manifest: string): readonly unknown[] {
  return parseAllDocuments(manifest).flatMap(document => {
    const object: unknown = document.toJS()
    return object === null ? [] : [object]
  })
}

function kindOf(object: unknown): unknown {
  return typeof object === 'object' && object !== null && 'kind' in object ? object.kind : undefined
}
