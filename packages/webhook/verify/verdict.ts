import type { InvalidVerdict, RejectionReason } from '../scheme.ts'

/** @param detail for the organization's members: never a secret, nor what the right signature would have been */
export function invalid(reason: RejectionReason, detail?: string): InvalidVerdict {
  return { kind: 'invalid', reason, ...(detail !== undefined && { detail }) }
}
