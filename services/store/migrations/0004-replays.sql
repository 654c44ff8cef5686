-- Replays: selections of events that are delivered again (services/store/replay).

create type replay_state as enum ('pending', 'running', 'paused', 'completed', 'cancelled', 'failed');

create table replays (
  organization_id uuid not null,
  id uuid not null,
  -- Makes a repeated request answer this one; null: it can't be repeated.
  request_id text,
  -- What is delivered again, as services/store/replay/selector.ts reads it.
  selector jsonb not null,
  -- Null: each event goes where it has a delivery already.
  destination_ids uuid[],
  rate_per_second integer not null,
  state replay_state not null default 'pending',
  -- Counted when it was created.
  matched_events bigint not null,
  matched bigint not null,
  expired bigint not null,
  -- Up to the cursor: handed to the worker, and matched but not made.
  published bigint not null default 0,
  skipped bigint not null default 0,
  -- The last event whose deliveries were planned: its time and id. Null: none was.
  cursor_at timestamptz,
  cursor_id uuid,
  -- Deliveries that were planned in the transaction that moved the cursor, and that JetStream may not have yet.
  in_hand jsonb,
  -- What became of those published, as of the last look.
  delivered bigint not null default 0,
  failed bigint not null default 0,
  created_by text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  -- Why it failed.
  fault text,
  primary key (organization_id, id),
  check ((cursor_at is null) = (cursor_id is null)),
  check ((ended_at is not null) = (state in ('completed', 'cancelled', 'failed')))
);
create unique index replays_request on replays (organization_id, request_id);
create index replays_newest on replays (organization_id, created_at desc, id desc);
create index replays_active on replays (created_at)
  where state in ('pending', 'running') or in_hand is not null;
-- Those whose deliveries have not all ended.
create index replays_open on replays (created_at) where delivered + failed < published;
call protect('replays');

-- Which Replay an attempt was part of, and whether it was the last of its retry schedule.
alter table attempts add column replay_id uuid, add column dead boolean not null default false;
create index attempts_of_replay on attempts (organization_id, replay_id) where replay_id is not null;

-- Waiting deliveries by when they are due (those that were not tried yet: since they were received), and by id.
create index deliveries_due on deliveries (organization_id, coalesce(next_attempt_at, received_at), id)
  where state = 'waiting';
create index deliveries_open on deliveries (organization_id, id) where state = 'waiting';
