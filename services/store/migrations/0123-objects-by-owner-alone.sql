-- `ledger_objects_owned` begins with the same columns. The index of payments by owner stays for a release: the version before deletes by it.
drop index ledger_objects_owner;
