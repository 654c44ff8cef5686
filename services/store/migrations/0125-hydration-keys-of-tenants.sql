-- Keys that were entered by the API stay when the organization's owner declares others, as sources do.
alter table ledger_hydration_keys add column managed_by text not null default 'owner' check (managed_by in ('owner', 'tenant'));
