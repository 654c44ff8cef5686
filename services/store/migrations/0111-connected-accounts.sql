-- Stripe accounts that organizations have connected to the platform (Stripe Connect). Their events come to the platform's own source,
-- and the account that a verified event names decides whose it is.
create table connected_accounts (
  organization_id uuid not null references organizations (id) on delete cascade,
  account text not null check (account ~ '^acct_[A-Za-z0-9]{1,64}$'),
  -- Of what was granted: read_only or read_write.
  scope text not null,
  -- Whether the platform's key that connected it is one for live data.
  livemode boolean not null,
  connected_at timestamptz not null,
  disconnected_at timestamptz,
  primary key (organization_id, account)
);
-- An account is one organization's at a time.
create unique index connected_accounts_of_one on connected_accounts (account) where disconnected_at is null;
call protect('connected_accounts');

-- Events of accounts that are nobody's yet, or whose organization takes none at present: kept for 72 hours, 1,000 of an account, 20,000 and
-- 256 MiB in all.
create table held_connect_events (
  account text not null,
  -- The provider's own id.
  event_id text not null,
  -- Outside of the row of few bytes that bounds are counted by.
  body bytea not null,
  size integer not null,
  received_at timestamptz not null,
  primary key (account, event_id)
);
create index held_connect_events_by_time on held_connect_events (received_at);
alter table held_connect_events enable row level security;
alter table held_connect_events force row level security;
create policy platform on held_connect_events using (in_platform_scope()) with check (in_platform_scope());
