-- Restricted keys of tenants for a provider's API, sealed: for what events of a source leave out. `id` is the source's name.
create table ledger_hydration_keys (
  organization_id uuid not null references organizations on delete cascade,
  id text not null,
  position integer not null,
  sealed text not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, id)
);
call protect('ledger_hydration_keys');
create trigger forget_applied after insert or update or delete on ledger_hydration_keys
  for each row execute function forget_applied();
