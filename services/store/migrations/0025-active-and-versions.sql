-- A source or destination that is stored and not in force.
alter table sources add column active boolean not null default true;
alter table destinations add column active boolean not null default true;

-- The version of a setting: it grows with each change of what is declared, of secrets too, and with nothing else. Two editors
-- tell by it that one of them has not seen the other's change.
alter table sources add column version integer not null default 1;
alter table destinations add column version integer not null default 1;
alter table routes add column version integer not null default 1;
alter table organizations add column version integer not null default 1;

create function next_version() returns trigger
  language plpgsql
as $$
begin
  new.version := old.version + 1;
  return new;
end
$$;
create trigger next_version before update of provider, scheme, options, tolerance_seconds, rate_limit_per_second,
    rate_limit_burst, deduplicate, active, managed_by, deleted_at on sources
  for each row when (old.* is distinct from new.*) execute function next_version();
create trigger next_version before update of kind, url, processor, timeout_seconds, concurrency, rate_limit_per_second,
    rate_limit_burst, retry_delays_seconds, paused, forward_credentials, active, managed_by, deleted_at on destinations
  for each row when (old.* is distinct from new.*) execute function next_version();
create trigger next_version before update of source, event_types, destinations, order_by, managed_by on routes
  for each row when (old.* is distinct from new.*) execute function next_version();
create trigger next_version before update of display_name, plan, webhook_limit, active, retention_days, weight,
    rate_limit_per_second, rate_limit_burst, owner_kind, owner_reference, deleted_at on organizations
  for each row when (old.* is distinct from new.*) execute function next_version();

create function next_source_version() returns trigger
  language plpgsql
as $$
begin
  update sources set version = version + 1
    where organization_id = coalesce(new.organization_id, old.organization_id)
      and id = coalesce(new.source_id, old.source_id);
  return null;
end
$$;
create trigger next_version after insert or update or delete on source_secrets
  for each row execute function next_source_version();

create function next_destination_version() returns trigger
  language plpgsql
as $$
begin
  update destinations set version = version + 1
    where organization_id = coalesce(new.organization_id, old.organization_id)
      and id = coalesce(new.destination_id, old.destination_id);
  return null;
end
$$;
create trigger next_version after insert or update or delete on destination_headers
  for each row execute function next_destination_version();
create trigger next_version after insert or update or delete on destination_auths
  for each row execute function next_destination_version();
