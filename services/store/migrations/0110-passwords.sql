-- Passwords of people, where the platform has tenant accounts (FAIRLEAD_TENANT_ACCOUNTS); otherwise there is no row. They belong to
-- a person, not to an organization. The text is an argon2id digest with its salt and parameters, as PHC strings have it.
create table passwords (
  email text primary key check (email = lower(email)),
  digest text not null check (digest like '$argon2id$%' and length(digest) <= 500),
  -- Counts changes: whoever proved the one before has proved nothing any more.
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);
alter table passwords enable row level security;
alter table passwords force row level security;
create policy platform on passwords using (in_platform_scope()) with check (in_platform_scope());
