-- Live or test: a source has a mode, and so has all that follows from what it receives. What is there is live.
alter table sources add column mode text not null default 'live' constraint sources_mode_check check (mode in ('live', 'test'));
alter table events add column mode text not null default 'live';
alter table deliveries add column mode text not null default 'live';
alter table attempts add column mode text not null default 'live';
-- Null: of events of both modes.
alter table replays add column mode text;
-- The cause of an issue of test data begins with `test.`: the key without a mode stays what the version before knows.
alter table issues add column mode text not null default 'live';
-- Counts of test data have dimensions of their own.
alter table rollups drop constraint rollups_dimension_check;
alter table rollups add constraint rollups_dimension_check check (
  dimension in ('source', 'type', 'destination', 'test_source', 'test_type', 'test_destination'));

-- Whether the transaction sees data of a mode: its own, or any where none is set.
create function in_mode(mode text) returns boolean language sql stable parallel safe
  return coalesce(nullif(current_setting('fairlead.mode', true), '') = mode, true);

alter policy organization on sources using (in_scope(organization_id) and in_mode(mode))
  with check (in_scope(organization_id) and in_mode(mode));
alter policy organization on events using (in_scope(organization_id) and in_mode(mode))
  with check (in_scope(organization_id) and in_mode(mode));
alter policy organization on deliveries using (in_scope(organization_id) and in_mode(mode))
  with check (in_scope(organization_id) and in_mode(mode));
alter policy organization on attempts using (in_scope(organization_id) and in_mode(mode))
  with check (in_scope(organization_id) and in_mode(mode));
alter policy organization on issues using (in_scope(organization_id) and in_mode(mode))
  with check (in_scope(organization_id) and in_mode(mode));
-- A Replay of both modes is one of live data, too.
alter policy organization on replays using (in_scope(organization_id) and in_mode(coalesce(mode, 'live')))
  with check (in_scope(organization_id) and in_mode(coalesce(mode, 'live')));
alter policy organization on rollups
  using (in_scope(organization_id) and in_mode(case when dimension like 'test\_%' then 'test' else 'live' end))
  with check (in_scope(organization_id) and in_mode(case when dimension like 'test\_%' then 'test' else 'live' end));

-- Each mode's events by time: test data may come in long runs that a live key must not wade through.
create index events_of_mode on events (organization_id, mode, received_at desc, id desc);
