-- `ledger_objects_owned` begins with the same columns, and payments are no longer looked for by owner.
drop index ledger_objects_owner;
drop index ledger_payments_owner;
