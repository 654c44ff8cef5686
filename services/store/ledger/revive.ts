import { rules } from '@fairlead/ledger/fold/fold'
import { revive } from '@fairlead/ledger/fold/revive'
import type { Row } from '@fairlead/ledger/rows'

/** A row as its fold made it, from the JSON that it is stored as: amounts are bigint again. */
export function reviveRow(fields: Readonly<Record<string, unknown>>): Row {
  // Stored by `objectColumns`, from a row of this kind.
  const of = rules[fields.kind as Row['kind']] as unknown as Parameters<typeof revive>[0]
  return { ...fields, ...revive(of, fields) } as unknown as Row
}
