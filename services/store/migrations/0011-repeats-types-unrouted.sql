-- An event that no route wanted is `unrouted`, not a success. (The function that says so is in the next file: a new
-- value of an enum can't be used in the transaction that adds it.)
alter type event_status add value 'unrouted';

-- `types`: all types of an event that has more than one, `type` first; null: `type` is the only one.
-- `repeat_count`: requests that were taken for this event again and not delivered; `differing_count`: those of them whose
-- body was another one.
alter table events
  add column types text[],
  add column repeat_count integer not null default 0,
  add column differing_count integer not null default 0,
  add column last_repeated_at timestamptz;

-- Requests of a source that verified, in slots of ten minutes: events that are new, repeats, and repeats with another
-- body. Kept for a day.
create table source_counts (
  organization_id uuid not null,
  source_id uuid not null,
  slot timestamptz not null,
  accepted bigint not null default 0,
  repeated bigint not null default 0,
  differing bigint not null default 0,
  primary key (organization_id, source_id, slot)
);
call protect('source_counts');

-- When a Replay's progress was last counted: the longest wait goes first.
alter table replays add column looked_at timestamptz;
