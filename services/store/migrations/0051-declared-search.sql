-- What events of a source are found by: `{"pointers": […], "headers": […]}`; null: nothing of their content.
alter table sources add column search jsonb;

-- A version grows with these too, and once for each change, whatever else changes.
create trigger next_version_of_search before update of mode, search on sources
  for each row when ((old.mode, old.search) is distinct from (new.mode, new.search) and old.version = new.version)
  execute function next_version();

-- Digests of the values by which events are found, in the order of lists.
create table event_values (
  organization_id uuid not null,
  digest bigint not null,
  received_at timestamptz not null,
  event_id uuid not null,
  mode text not null,
  primary key (organization_id, digest, received_at, event_id)
) partition by range (received_at);
alter table event_values enable row level security;
alter table event_values force row level security;
create policy organization on event_values using (in_scope(organization_id) and in_mode(mode))
  with check (in_scope(organization_id) and in_mode(mode));

-- `attempts` stays last: whoever finds its table of a day takes the day for made.
create or replace procedure create_log_partitions(day date)
  language plpgsql
as $$
declare
  parent text;
  partition text;
begin
  foreach parent in array array['events', 'deliveries', 'event_values', 'attempts'] loop
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

-- The days that are there.
do $$
declare
  day date;
begin
  for day in select to_date(substring(inhrelid::regclass::text from '\d{8}$'), 'YYYYMMDD')
    from pg_inherits where inhparent = 'events'::regclass
  loop
    call create_log_partitions(day);
  end loop;
end
$$;
