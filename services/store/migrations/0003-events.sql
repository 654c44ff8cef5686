-- The event log: what the streams EVENTS, ATTEMPTS and DEAD say, as rows (services/store/project). Metadata only:
-- bodies and headers stay in JetStream. No references: a record of something deleted must not stop the projection.
-- All three are partitioned by the day (UTC) their event was received, so that a day goes as three tables.

create type event_status as enum ('pending', 'processing', 'success', 'failed');
create type delivery_state as enum ('waiting', 'delivered', 'dead', 'discarded');
create type attempt_trigger as enum ('route', 'manual', 'replay');

create table events (
  organization_id uuid not null,
  id uuid not null,
  received_at timestamptz not null,
  source_id uuid not null,
  source text not null,
  provider text not null,
  type text not null,
  status event_status not null,
  -- Where the body is in EVENTS; null: nowhere.
  stream_seq bigint,
  size_bytes bigint not null,
  method text not null,
  url text not null,
  -- Which of the source's secrets matched; null where none is needed.
  secret_id text,
  -- Null until the event is matched.
  delivery_count integer,
  delivered_count integer not null default 0,
  -- Dead or discarded.
  dead_count integer not null default 0,
  primary key (organization_id, id, received_at)
) partition by range (received_at);
create index events_newest on events (organization_id, received_at desc, id desc);
create index events_failed on events (organization_id, received_at desc, id desc) where status = 'failed';
call protect('events');

create table deliveries (
  organization_id uuid not null,
  event_id uuid not null,
  destination_id uuid not null,
  -- Of the event.
  received_at timestamptz not null,
  id uuid not null,
  state delivery_state not null,
  -- The number of the last attempt; 0 before the first.
  attempt_count integer not null,
  -- Of the last attempt; null before the first.
  trigger attempt_trigger,
  next_attempt_at timestamptz,
  died_at timestamptz,
  dead_reason text,
  -- Where the body is in DEAD.
  dead_seq bigint,
  discard_reason text,
  primary key (organization_id, event_id, destination_id, received_at)
) partition by range (received_at);
create index deliveries_waiting on deliveries (organization_id, destination_id) where state = 'waiting';
create index deliveries_dead on deliveries (organization_id, destination_id, died_at desc, id desc) where state = 'dead';
create index deliveries_ended_badly on deliveries (organization_id, id) where state in ('dead', 'discarded');
call protect('deliveries');

create table attempts (
  organization_id uuid not null,
  event_id uuid not null,
  destination_id uuid not null,
  -- From 1.
  number integer not null,
  -- Of the event.
  received_at timestamptz not null,
  at timestamptz not null,
  duration_ms integer not null,
  delivered boolean not null,
  outcome text not null,
  -- HTTP status; null where there was no answer.
  status integer,
  reason text,
  trigger attempt_trigger not null,
  primary key (organization_id, event_id, destination_id, number, received_at)
) partition by range (received_at);
call protect('attempts');

-- Makes the partitions of one day, unless they are there. Nobody reads a partition by its own name: row-level
-- security without a policy refuses everything.
create procedure create_log_partitions(day date)
  language plpgsql
as $$
declare
  parent text;
  partition text;
begin
  foreach parent in array array['events', 'deliveries', 'attempts'] loop
    partition := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
    if to_regclass(partition) is null then
      -- Two who need the same day take turns, and the second finds it made.
      perform pg_advisory_xact_lock(hashtextextended('fairlead.partitions', 0));
    end if;
    -- Not to_regclass: within a statement it still believes what it found before the lock.
    if not exists (select from pg_class where relname = partition and relnamespace = 'public'::regnamespace) then
      -- Made apart and then attached: `create … partition of` would lock out everyone who reads the parent.
      execute format('create table %I (like %I including defaults including constraints)', partition, parent);
      execute format('alter table %I enable row level security', partition);
      execute format('alter table %I force row level security', partition);
      execute format('alter table %I attach partition %I for values from (%L) to (%L)',
        parent, partition, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end if;
  end loop;
end
$$;

-- How far the log has been written. One row a stream, changed in the transaction that writes its rows.
create table projection_positions (
  stream text primary key,
  -- The last sequence that is in the log.
  seq bigint not null,
  -- When the stream was made: one made anew counts from 1 again.
  stream_created_at timestamptz not null
);
alter table projection_positions enable row level security;
alter table projection_positions force row level security;
create policy platform on projection_positions using (in_platform_scope()) with check (in_platform_scope());

-- Accepted events of a calendar month (UTC).
create table monthly_usage (
  organization_id uuid not null,
  month date not null,
  accepted bigint not null,
  primary key (organization_id, month)
);
call protect('monthly_usage');

-- When a source last took an event, for each of its secrets ('' where none is needed).
create table source_activity (
  organization_id uuid not null,
  source_id uuid not null,
  secret_id text not null,
  last_event_at timestamptz not null,
  primary key (organization_id, source_id, secret_id)
);
call protect('source_activity');

-- How a destination does, by its last attempts.
create table destination_health (
  organization_id uuid not null,
  destination_id uuid not null,
  last_attempt_at timestamptz not null,
  last_success_at timestamptz,
  -- Null: the last attempt succeeded.
  failing_since timestamptz,
  -- HTTP status or outcome of the last failed attempt; null: the last one succeeded.
  last_error text,
  primary key (organization_id, destination_id)
);
call protect('destination_health');

-- Where an event stands, by how many of its deliveries stand where: eventStatus in services/store/project/status.ts.
create function event_status_of(delivery_count integer, delivered integer, bad integer) returns event_status
  language sql immutable parallel safe
  return case
    when delivery_count is null then 'pending'::event_status
    when delivered + bad < delivery_count then 'processing'::event_status
    when bad > 0 then 'failed'::event_status
    else 'success'::event_status
  end;
