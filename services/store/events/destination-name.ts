/** The name of a delivery's destination in SQL: of `x`, its row where it has one, or of the ledger, which has none. @param of the table with the delivery */
export const nameOfDestination = (of: 'd' | 'a'): string =>
  `coalesce(x.name, case when ${of}.destination_id = ledger_destination(${of}.organization_id) then '_ledger' end)`
