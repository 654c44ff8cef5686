-- concurrently
-- The subscriptions of a customer who has a hundred thousand payments.
create index ledger_objects_owned on ledger_objects (organization_id, provider, account, mode, owner, kind);
