import type { MemberRole } from '@fairlead/wire/store/member'
import { role } from '../organizations/desired.ts'
import { parseRequest } from '../parse-request.ts'

/** Reads a role that must be said. Throws a StoreError `invalid_field`. */
export const parseRole = (value: MemberRole, field: string) => parseRequest(role, value, field)
