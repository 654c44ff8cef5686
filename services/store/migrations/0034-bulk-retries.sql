-- A bulk retry is a Replay of deliveries that were noted one by one when it was planned.
-- `planned_until`: it is planned and may be started until then; null: it was started, or it is a Replay.
-- `asked`: what was selected, to tell what came to match later.
alter table replays
  add column kind text not null default 'replay' check (kind in ('replay', 'retry')),
  add column planned_until timestamptz,
  add column asked jsonb;

create table retry_items (
  organization_id uuid not null,
  retry_id uuid not null,
  received_at timestamptz not null,
  event_id uuid not null,
  destination_id uuid not null,
  -- Of the delivery when it was planned: one that was tried again since is left alone.
  attempt_count integer not null,
  primary key (organization_id, retry_id, received_at, event_id, destination_id)
);
call protect('retry_items');
