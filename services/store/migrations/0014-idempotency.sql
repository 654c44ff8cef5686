-- Answers that a repeat with the same idempotency key gets, written in the transaction of the change. They may hold a
-- secret that is shown once, so they are sealed.
create table idempotency_keys (
  id uuid primary key default gen_random_uuid(),
  -- Null: of the platform.
  organization_id uuid,
  actor_id text not null,
  key text not null,
  request_sha256 bytea not null check (length(request_sha256) = 32),
  sealed text not null,
  expires_at timestamptz not null
);
create unique index idempotency_keys_key on idempotency_keys (organization_id, actor_id, key) nulls not distinct;
create index idempotency_keys_expired on idempotency_keys (expires_at);
call protect('idempotency_keys');
