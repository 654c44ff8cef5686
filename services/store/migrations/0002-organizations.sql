create type owner_kind as enum ('kubernetes', 'file', 'api');
create type managed_by as enum ('owner', 'tenant');
create type member_role as enum ('owner', 'admin', 'developer', 'viewer');

create table organizations (
  id uuid primary key,
  slug text not null,
  display_name text not null,
  plan text not null,
  -- Accepted events in a calendar month (UTC); null: no limit.
  webhook_limit bigint check (webhook_limit >= 0),
  active boolean not null,
  retention_days integer not null check (retention_days between 1 and 3650),
  rate_limit_per_second double precision check (rate_limit_per_second > 0),
  rate_limit_burst integer check (rate_limit_burst > 0),
  owner_kind owner_kind not null,
  owner_reference text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- A deleted organization has given up its slug; its row goes when its events are gone.
  deleted_at timestamptz
);
create unique index organizations_slug on organizations (slug) where deleted_at is null;

alter table organizations enable row level security;
alter table organizations force row level security;
create policy organization on organizations using (in_scope(id)) with check (in_scope(id));

create table members (
  organization_id uuid not null references organizations on delete cascade,
  id uuid not null,
  email text not null check (email = lower(email)),
  role member_role not null,
  active boolean not null default true,
  last_login_at timestamptz,
  managed_by managed_by not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, email)
);
-- Signing in starts with an address and no organization.
create index members_email on members (email);
call protect('members');

-- Deleted sources and destinations stay as rows, so that the log can name them; declared again, they live again.
create table sources (
  organization_id uuid not null references organizations on delete cascade,
  id uuid not null,
  name text not null,
  provider text not null,
  scheme jsonb,
  options jsonb not null default '{}',
  tolerance_seconds integer check (tolerance_seconds >= 0),
  rate_limit_per_second double precision check (rate_limit_per_second > 0),
  rate_limit_burst integer check (rate_limit_burst > 0),
  deduplicate boolean not null default true,
  managed_by managed_by not null,
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, name)
);
call protect('sources');

create table source_secrets (
  organization_id uuid not null,
  source_id uuid not null,
  -- Names the secret without telling it.
  id text not null,
  -- The order in which they were declared, from 0.
  position integer not null,
  -- As packages/wire/seal.ts writes it.
  sealed text not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, source_id, id),
  foreign key (organization_id, source_id) references sources on delete cascade
);
call protect('source_secrets');

create table destinations (
  organization_id uuid not null references organizations on delete cascade,
  id uuid not null,
  name text not null,
  url text not null,
  timeout_seconds double precision not null check (timeout_seconds > 0),
  concurrency integer not null check (concurrency > 0),
  rate_limit_per_second double precision check (rate_limit_per_second > 0),
  rate_limit_burst integer check (rate_limit_burst > 0),
  retry_delays_seconds double precision[] not null,
  paused boolean not null default false,
  managed_by managed_by not null,
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, name)
);
call protect('destinations');

create table destination_headers (
  organization_id uuid not null,
  destination_id uuid not null,
  name text not null,
  position integer not null,
  sealed text not null,
  primary key (organization_id, destination_id, name),
  foreign key (organization_id, destination_id) references destinations on delete cascade
);
call protect('destination_headers');

create table routes (
  organization_id uuid not null references organizations on delete cascade,
  id uuid not null,
  source text not null,
  event_types text[] not null,
  destinations text[] not null,
  managed_by managed_by not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, source, event_types, destinations)
);
call protect('routes');

create table signing_secrets (
  organization_id uuid not null references organizations on delete cascade,
  id text not null,
  -- The first signs.
  position integer not null,
  sealed text not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, id)
);
call protect('signing_secrets');

create table api_keys (
  -- Null: a key of the platform.
  organization_id uuid references organizations on delete cascade,
  id uuid not null primary key,
  name text not null,
  prefix text not null,
  sha256 bytea not null check (length(sha256) = 32),
  role member_role not null,
  managed_by managed_by not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz
);
create unique index api_keys_name on api_keys (organization_id, name) nulls not distinct where revoked_at is null;
-- A request comes with a key and no organization.
create unique index api_keys_sha256 on api_keys (sha256);
call protect('api_keys');

create table audit_logs (
  -- Null: of the platform. No reference: the log of a deleted organization outlives it.
  organization_id uuid,
  id uuid not null primary key,
  at timestamptz not null,
  actor_kind text not null,
  actor_id text not null,
  action text not null,
  subject_id text not null,
  details jsonb not null
);
create index audit_logs_newest on audit_logs (organization_id, at desc, id desc);
-- Rows are only added: no policy lets anyone change or remove one.
alter table audit_logs enable row level security;
alter table audit_logs force row level security;
create policy look on audit_logs for select using (in_scope(organization_id));
create policy add on audit_logs for insert with check (in_scope(organization_id));
