import type { Arrival } from '@fairlead/testbed/load/arrivals'

/** An event that was answered 2xx. */
export interface Accepted {
  readonly event: string
  readonly flow: string
  /** Unix ms when its request was sent. */
  readonly sentAt: number
}

export interface FlowReport {
  lost: number
  repeated: number
  readonly arrivalMs: number[]
}

/** Compares what was accepted with what arrived. @param originMs Unix ms of the arrivals' zero */
export function startCounting(events: ReadonlyMap<string, Arrival>, originMs: number) {
  const accepted = new Map<string, Accepted>()
  return {
    accepted: (one: Accepted) => void accepted.set(one.event, one),
    isWhole: () => [...accepted.keys()].every(event => events.has(event)),
    report(): { readonly flows: Readonly<Record<string, FlowReport>> } {
      const flows: Record<string, FlowReport> = {}
      for (const { event, flow, sentAt } of accepted.values()) {
        flows[flow] ??= { lost: 0, repeated: 0, arrivalMs: [] }
        const arrival = events.get(event)
        if (!arrival) {
          flows[flow].lost++
          continue
        }
        flows[flow].repeated += arrival.count - 1
        flows[flow].arrivalMs.push(Math.max(0, originMs + arrival.atMs - sentAt))
      }
      return { flows }
    },
  }
}
