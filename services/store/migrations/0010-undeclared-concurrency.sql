-- Null: not declared, the worker finds out how many requests a destination takes. What is stored stays a limit until the
-- destination is declared anew.
alter table destinations alter column concurrency drop not null;

-- A lane that is held up because its place (scheme, host, port) can't be reached says so.
alter table destination_health drop constraint destination_health_lane_check;
alter table destination_health add constraint destination_health_lane_check
  check (lane in ('throttled', 'broken', 'host_broken'));
