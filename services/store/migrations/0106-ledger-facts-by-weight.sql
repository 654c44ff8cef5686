-- concurrently
-- The facts of an object that are folded: no more are read, however many it has.
create index ledger_facts_by_weight on ledger_facts (organization_id, provider, account, mode, kind, object_id, weight desc,
  occurred_ms desc, event_id, incarnation, digest);
