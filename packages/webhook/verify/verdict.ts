import type { RejectionReason, Verdict } from '../scheme.ts'

export type Refusal = Extract<Verdict, { kind: 'invalid' }>

/** @param detail for the organization's members: never a secret, nor what the right signature would have been */
export function invalid(reason: RejectionReason, detail?: string): Refusal {
  return { kind: 'invalid', reason, ...(detail !== undefined && { detail }) }
}
