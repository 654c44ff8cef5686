-- Who asked for a change, how and from where. Entries of before have nothing there.
alter table audit_logs
  add column actor_name text not null default '',
  add column via text not null default '',
  add column address text not null default '',
  add column agent text not null default '',
  add column request_id text not null default '';
-- A call that is repeated within one request, because its first answer was lost, writes no second entry.
create unique index audit_logs_request on audit_logs (organization_id, request_id, action, subject_id) nulls not distinct
  where request_id <> '';
