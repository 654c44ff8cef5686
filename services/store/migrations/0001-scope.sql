-- Who is asking: one organization, or the platform. Both settings are made with `set local`, so they end with the
-- transaction; where neither is made, the answer is null and every policy below refuses.
create function in_scope(organization_id uuid) returns boolean
  language sql stable parallel safe
  return current_setting('fairlead.scope', true) = 'platform'
    or organization_id = nullif(current_setting('fairlead.organization_id', true), '')::uuid;

create function in_platform_scope() returns boolean
  language sql stable parallel safe
  return current_setting('fairlead.scope', true) = 'platform';

-- Row-level security on a table with an organization_id, binding its owner too.
create procedure protect(protected regclass)
  language plpgsql
as $$
begin
  execute format('alter table %s enable row level security', protected);
  execute format('alter table %s force row level security', protected);
  execute format(
    'create policy organization on %s using (in_scope(organization_id)) with check (in_scope(organization_id))',
    protected);
end
$$;
