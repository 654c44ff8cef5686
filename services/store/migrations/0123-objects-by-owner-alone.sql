-- `ledger_objects_owned` begins with the same columns.
drop index ledger_objects_owner;
