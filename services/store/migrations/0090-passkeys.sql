-- Passkeys of platform staff (WebAuthn): a credential's public key, and how often it was used. Nothing here is a secret.
create table passkeys (
  credential_id bytea primary key check (length(credential_id) between 1 and 1023),
  email text not null check (email = lower(email)),
  -- What authenticators know the person by: the same for all passkeys of an address.
  user_handle bytea not null check (length(user_handle) between 1 and 64),
  name text not null,
  -- In COSE's form.
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz
);
create index passkeys_email on passkeys (email);
alter table passkeys enable row level security;
alter table passkeys force row level security;
create policy platform on passkeys using (in_platform_scope()) with check (in_platform_scope());
