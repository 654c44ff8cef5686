-- What an owner names all that an organization was applied from, keyed like the digest. It goes whenever that goes.
alter table organizations add column applied_fingerprint bytea;

create or replace function forget_applied() returns trigger
  language plpgsql
as $$
begin
  if current_setting('fairlead.keeps_applied', true) = 'on' then return null; end if;
  update organizations
    set applied_digest = null, applied_fingerprint = null, changes_by_others = changes_by_others + 1
    where id = coalesce(new.organization_id, old.organization_id);
  return null;
end
$$;

create or replace function forget_own_applied() returns trigger
  language plpgsql
as $$
begin
  new.applied_digest := null;
  new.applied_fingerprint := null;
  if current_setting('fairlead.keeps_applied', true) is distinct from 'on' then
    new.changes_by_others := old.changes_by_others + 1;
  end if;
  return new;
end
$$;

-- Many are found by their owners at one time.
create index organizations_owner on organizations (owner_kind, owner_reference) where deleted_at is null;
