import { ApiError } from '../../problem.ts'
import type { TenantAccounts } from './accounts.ts'
import { passwordFault } from './password-rules.ts'

/** Throws an ApiError `request_invalid` that names the field. */
export function requireGoodPassword(
  { common }: TenantAccounts,
  password: string,
  { field, about }: { readonly field: string; readonly about: readonly string[] },
): void {
  const message = passwordFault(password, about, common)
  if (message !== undefined) throw refusePassword(field, message)
}

export const refusePassword = (field: string, message: string): ApiError =>
  new ApiError('request_invalid', undefined, { faults: [{ in: 'body', name: field, message }] })
