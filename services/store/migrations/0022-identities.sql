-- Who people are to a provider of identities: its issuer and its subject. The address is the one of the first sign-in; what the
-- provider calls the subject later changes nothing here, and nobody else with the same address takes its place.
create table identities (
  issuer text not null,
  subject text not null,
  email text not null check (email = lower(email)),
  created_at timestamptz not null default now(),
  primary key (issuer, subject),
  unique (issuer, email)
);
alter table identities enable row level security;
alter table identities force row level security;
create policy platform on identities using (in_platform_scope()) with check (in_platform_scope());
