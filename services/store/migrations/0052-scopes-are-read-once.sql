-- A scope is read once for a statement, not for each row that it looks at: a list may look at 10,000.
create function scope_organization() returns uuid language sql stable parallel safe
  return nullif(current_setting('fairlead.organization_id', true), '')::uuid;
create function scope_mode() returns text language sql stable parallel safe
  return nullif(current_setting('fairlead.mode', true), '');

alter policy organization on events
  using (((select in_platform_scope()) or organization_id = (select scope_organization()))
    and ((select scope_mode()) is null or mode = (select scope_mode())));
alter policy organization on deliveries
  using (((select in_platform_scope()) or organization_id = (select scope_organization()))
    and ((select scope_mode()) is null or mode = (select scope_mode())));
alter policy organization on attempts
  using (((select in_platform_scope()) or organization_id = (select scope_organization()))
    and ((select scope_mode()) is null or mode = (select scope_mode())));
alter policy organization on event_values
  using (((select in_platform_scope()) or organization_id = (select scope_organization()))
    and ((select scope_mode()) is null or mode = (select scope_mode())));
