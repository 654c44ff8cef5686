-- What a change is, and those before it: a history is compared by these, and only what differs is written. Null: written before there were digests.
alter table ledger_transitions add column digest bytea;
