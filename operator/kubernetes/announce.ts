import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import type { Condition } from '../condition.ts'
import { fieldManager, type KubernetesClient } from './client.ts'

/** Conditions whose status or reason changed, which are worth an Event. */
export function transitionsOf(
  status: { readonly conditions: readonly Condition[] },
  before: { readonly conditions: readonly Condition[] } | undefined,
): readonly Condition[] {
  return status.conditions.filter(condition => {
    const old = before?.conditions.find(({ type }) => type === condition.type)
    if (old) return old.status !== condition.status || old.reason !== condition.reason
    // At first only faults, and that it is ready.
    return condition.type === 'Ready' || condition.status === 'False'
  })
}

/** A resource of ours that an Event is about. */
export interface Regarding {
  readonly kind: 'Organization' | 'Replay'
  /** `namespace/name`. */
  readonly key: string
  readonly uid: string
}

/** Makes a Kubernetes Event of a condition, as `kubectl describe` shows it. */
export async function announce(
  client: KubernetesClient,
  { kind, key, uid }: Regarding,
  condition: Condition,
  instance: string,
): Promise<void> {
  const [namespace, name] = key.split('/')
  await client.call({
    method: 'POST',
    path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: `${name}-`, namespace },
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: fieldManager,
      reportingInstance: instance.slice(0, 128),
      action: 'Reconcile',
      type: condition.status === 'True' ? 'Normal' : 'Warning',
      reason: condition.reason,
      note: `${condition.type}: ${condition.message || condition.reason}`.slice(0, 1024),
      regarding: { apiVersion, kind, namespace, name, uid },
    },
  })
}
