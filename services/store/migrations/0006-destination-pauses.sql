-- Destinations that were paused by what happened or by a member; beside what their owner declares (destinations.paused),
-- so that an apply neither clears nor overwrites it.
create table destination_pauses (
  organization_id uuid not null,
  destination_id uuid not null,
  -- gone: it answered 410. failing: every attempt failed for days. asked: someone said so.
  reason text not null check (reason in ('gone', 'failing', 'asked')),
  since timestamptz not null default now(),
  primary key (organization_id, destination_id),
  foreign key (organization_id, destination_id) references destinations on delete cascade
);
call protect('destination_pauses');
