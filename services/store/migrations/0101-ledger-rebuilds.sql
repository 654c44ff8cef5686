-- A ledger that is computed anew, by whichever store comes to it first: the request that asked for it need not wait.
create table ledger_rebuilds (
  organization_id uuid not null references organizations (id) on delete cascade,
  id uuid not null,
  -- Null: of both modes.
  mode text check (mode in ('live', 'test')),
  state text not null default 'pending' check (state in ('pending', 'running', 'completed', 'failed')),
  objects bigint not null default 0,
  -- Objects when it was asked for.
  of bigint not null,
  -- Who asked, as JSON of the store's `Change`: the entry at its end is theirs as well.
  change jsonb,
  created_by text not null,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  -- When its store last said that it is at work: after 30 s of silence another one begins anew.
  alive_at timestamptz,
  tries integer not null default 0,
  fault text,
  primary key (organization_id, id)
);
call protect('ledger_rebuilds');
create index ledger_rebuilds_open on ledger_rebuilds (created_at) where state in ('pending', 'running');
create index ledger_rebuilds_listed on ledger_rebuilds (organization_id, created_at desc, id desc);

-- Events stay in the quarantine for 90 days.
create index ledger_quarantine_age on ledger_quarantine (seen_at);
