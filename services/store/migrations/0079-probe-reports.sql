-- What the prober last told of each partition, for the condition Delivering. Of no organization.
create table probe_reports (
  partition smallint primary key check (partition between 0 and 15),
  state text not null check (state in ('arriving', 'failing')),
  -- A sentence.
  message text not null,
  last_arrival_at timestamptz,
  reported_at timestamptz not null
);
alter table probe_reports enable row level security;
alter table probe_reports force row level security;
create policy platform on probe_reports using (in_platform_scope()) with check (in_platform_scope());
