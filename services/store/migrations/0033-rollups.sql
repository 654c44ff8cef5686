-- Counts of an organization by source, by type and by destination, in slots of 15 minutes: the days of every time zone
-- begin with one. `value`: a source's name, a type ('': one of those that are not counted apart), a destination's id.
create table rollups (
  organization_id uuid not null,
  dimension text not null check (dimension in ('source', 'type', 'destination')),
  value text not null,
  slot timestamptz not null,
  events bigint not null default 0,
  bytes bigint not null default 0,
  attempts bigint not null default 0,
  delivered bigint not null default 0,
  dead bigint not null default 0,
  -- Delivered attempts by duration: see `latency_bucket`.
  latencies bigint[] not null default '{}',
  primary key (organization_id, dimension, slot, value)
);
call protect('rollups');

-- The types that are counted apart: the first 500 of an organization.
create table rollup_types (
  organization_id uuid not null,
  type text not null,
  primary key (organization_id, type)
);
call protect('rollup_types');

-- The place of a duration in `latencies`, from 0: below 1 ms, below 2, … 30 s and more.
create function latency_bucket(ms integer) returns integer language sql immutable parallel safe
  return width_bucket(ms, array[1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000,
    3000, 5000, 7000, 10000, 15000, 20000, 30000]);

-- How often each place stands in a list.
create function histogram(places integer[]) returns bigint[] language plpgsql immutable parallel safe as $$
declare
  counts bigint[] := '{}';
  place integer;
begin
  if places is null then return counts; end if;
  counts := array_fill(0::bigint, array[(select max(p) + 1 from unnest(places) as p)]);
  foreach place in array places loop
    counts[place + 1] := counts[place + 1] + 1;
  end loop;
  return counts;
end
$$;

-- Adds counts place by place; the shorter list counts as zeros.
create function add_counts(a bigint[], b bigint[]) returns bigint[] language sql immutable parallel safe
  return array(select coalesce(x, 0) + coalesce(y, 0) from unnest(a, b) with ordinality as u (x, y, place) order by place);

create aggregate sum_counts(bigint[]) (sfunc = add_counts, stype = bigint[], initcond = '{}', parallel = safe);
