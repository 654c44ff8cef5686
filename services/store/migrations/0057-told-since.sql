-- Since when an organization is told at the destination that it named: another choice of types or silences neither drops what
-- happened before it nor tells it again.
alter table notification_settings add column told_since timestamptz not null default now();
set local fairlead.scope = 'platform';
update notification_settings set told_since = updated_at;
set local fairlead.scope = '';
