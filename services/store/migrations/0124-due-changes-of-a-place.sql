-- concurrently
-- What is due of one place, among the rows of all objects that were ever told.
create index ledger_outbox_due_of on ledger_outbox (organization_id, provider, account, mode, due_at) where due_at is not null;
