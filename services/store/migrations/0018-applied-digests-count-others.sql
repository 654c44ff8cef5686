-- Changes of declared rows by others than the owner's own apply, counted. An apply notes its digest only if the count is
-- what it was when the apply began to read: else a change that was committed meanwhile would stay hidden.
alter table organizations add column changes_by_others bigint not null default 0;

-- A transaction with fairlead.keeps_applied writes what the owner declares, or seals it anew. All others write the row of
-- the organization, also where no digest is noted: an apply that notes one waits for them there.
create or replace function forget_applied() returns trigger
  language plpgsql
as $$
begin
  if current_setting('fairlead.keeps_applied', true) = 'on' then return null; end if;
  update organizations set applied_digest = null, changes_by_others = changes_by_others + 1
    where id = coalesce(new.organization_id, old.organization_id);
  return null;
end
$$;

create or replace function forget_own_applied() returns trigger
  language plpgsql
as $$
begin
  new.applied_digest := null;
  if current_setting('fairlead.keeps_applied', true) is distinct from 'on' then
    new.changes_by_others := old.changes_by_others + 1;
  end if;
  return new;
end
$$;

-- A key's visible prefix is declared too.
drop trigger forget_applied on api_keys;
create trigger forget_applied after insert or delete or update of name, prefix, role, sha256, managed_by, revoked_at on api_keys
  for each row execute function forget_applied();
