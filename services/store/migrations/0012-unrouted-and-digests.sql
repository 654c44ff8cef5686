-- No delivery is wanted: not a success, for nothing was delivered.
create or replace function event_status_of(delivery_count integer, delivered integer, bad integer) returns event_status
  language sql immutable parallel safe
  return case
    when delivery_count is null then 'pending'::event_status
    when delivery_count = 0 then 'unrouted'::event_status
    when delivered + bad < delivery_count then 'processing'::event_status
    when bad > 0 then 'failed'::event_status
    else 'success'::event_status
  end;

-- A keyed digest of what the organization's owner applied last. Applied again, it need not be compared row by row: for as
-- long as nobody else changed a row of the owner's, which the triggers below take care of. Null: compare.
alter table organizations add column applied_digest bytea;

create function forget_applied() returns trigger
  language plpgsql
as $$
begin
  update organizations set applied_digest = null
    where id = coalesce(new.organization_id, old.organization_id) and applied_digest is not null;
  return null;
end
$$;

create trigger forget_applied after insert or delete or update of email, role, active, managed_by on members
  for each row execute function forget_applied();
create trigger forget_applied after insert or delete or update of name, role, sha256, managed_by, revoked_at on api_keys
  for each row execute function forget_applied();
create trigger forget_applied after insert or update or delete on sources
  for each row execute function forget_applied();
create trigger forget_applied after insert or update or delete on source_secrets
  for each row execute function forget_applied();
create trigger forget_applied after insert or update or delete on destinations
  for each row execute function forget_applied();
create trigger forget_applied after insert or update or delete on destination_headers
  for each row execute function forget_applied();
create trigger forget_applied after insert or update or delete on destination_auths
  for each row execute function forget_applied();
create trigger forget_applied after insert or update or delete on routes
  for each row execute function forget_applied();
create trigger forget_applied after insert or update or delete on signing_secrets
  for each row execute function forget_applied();

create function forget_own_applied() returns trigger
  language plpgsql
as $$
begin
  -- The statement that notes a digest keeps it.
  if new.applied_digest is not distinct from old.applied_digest then new.applied_digest := null; end if;
  return new;
end
$$;
create trigger forget_applied before update of slug, display_name, plan, webhook_limit, active, retention_days, weight,
    rate_limit_per_second, rate_limit_burst, owner_kind, owner_reference, deleted_at on organizations
  for each row execute function forget_own_applied();
