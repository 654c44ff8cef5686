-- Who was asked to join an organization. The link's token is a digest; whoever accepts must be signed in as the address.
create table invitations (
  organization_id uuid not null references organizations on delete cascade,
  id uuid not null,
  email text not null check (email = lower(email)),
  role member_role not null,
  token_sha256 bytea not null check (length(token_sha256) = 32),
  -- The address or the key's name of whoever invited.
  invited_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz,
  primary key (organization_id, id)
);
-- One open invitation an address: a new one takes the place of the one before.
create unique index invitations_open on invitations (organization_id, email) where accepted_at is null and revoked_at is null;
-- The person comes with an address or a token and no organization.
create index invitations_email on invitations (email) where accepted_at is null and revoked_at is null;
create unique index invitations_token on invitations (token_sha256);
call protect('invitations');
