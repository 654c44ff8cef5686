-- Entries of an organization are a chain: each has its place, and a digest of itself and of the one before. Entries of
-- before have no place.
alter table audit_logs
  add column seq bigint check (seq > 0),
  add column before_sha256 bytea check (length(before_sha256) = 32),
  add column sha256 bytea check (length(sha256) = 32);
create unique index audit_logs_seq on audit_logs (organization_id, seq) nulls not distinct where seq is not null;

-- Where each chain ends: without it, entries could be cut off its end unseen.
create table audit_heads (
  -- Null: of the platform.
  organization_id uuid,
  seq bigint not null,
  sha256 bytea not null check (length(sha256) = 32)
);
create unique index audit_heads_organization on audit_heads (organization_id) nulls not distinct;
call protect('audit_heads');
