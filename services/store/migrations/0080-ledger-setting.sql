-- Whether events of an organization's payment providers also go into the ledger.
alter table organizations add column ledger_enabled boolean not null default false;

drop trigger next_version on organizations;
create trigger next_version before update of display_name, plan, webhook_limit, active, retention_days, weight,
    rate_limit_per_second, rate_limit_burst, slo, ledger_enabled, owner_kind, owner_reference, deleted_at on organizations
  for each row when (old.* is distinct from new.*) execute function next_version();
drop trigger forget_applied on organizations;
create trigger forget_applied before update of slug, display_name, plan, webhook_limit, active, retention_days, weight,
    rate_limit_per_second, rate_limit_burst, slo, ledger_enabled, owner_kind, owner_reference, deleted_at on organizations
  for each row execute function forget_own_applied();

-- The built-in destination of an organization's billing events, which has no row: `packages/wire/ledger.ts` makes the same id.
create function ledger_destination(organization_id uuid) returns uuid language sql immutable parallel safe
  return substring(encode(sha256(convert_to(organization_id::text || E'\n_ledger', 'UTF8')), 'hex') for 32)::uuid;
