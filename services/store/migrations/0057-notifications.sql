-- Where an organization is told of what happens to it: one of its own destinations.
create table notification_settings (
  organization_id uuid primary key references organizations (id) on delete cascade,
  -- Null: it is told nothing.
  destination_id uuid,
  types text[] not null,
  -- Source name → seconds after which a source without an event is silent.
  silent_after jsonb not null default '{}',
  version integer not null default 1,
  updated_at timestamptz not null default now()
);
call protect('notification_settings');

-- One row for each thing that happened; `occurrence` names it, so that it is noted once, whoever looks and how often.
create table notices (
  organization_id uuid not null,
  id uuid not null default gen_random_uuid(),
  type text not null,
  occurrence text not null,
  at timestamptz not null default now(),
  data jsonb not null,
  -- Its event is stored, or nobody wants it.
  told_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, type, occurrence)
);
call protect('notices');
create index notices_untold on notices (at) where told_at is null;
