-- What providers said of billing objects, for as long as the ledger is kept: every other table of the ledger but the outbox is
-- computed from these rows. Times that a provider gave are milliseconds since 1970, so that no time zone or precision of Postgres
-- can change them.

-- Row-level security of a table of the ledger: by organization and by mode, each read once for a statement.
create procedure protect_ledger(protected regclass)
  language plpgsql
as $$
begin
  execute format('alter table %s enable row level security', protected);
  execute format('alter table %s force row level security', protected);
  execute format(
    'create policy organization on %s using (((select in_platform_scope()) or organization_id = (select scope_organization()))'
    ' and ((select scope_mode()) is null or mode = (select scope_mode())))', protected);
end
$$;

-- Two renderings of one event differ in their digest: both are facts.
create table ledger_facts (
  organization_id uuid not null,
  provider text not null,
  -- The connected account; empty: the source's own.
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  kind text not null,
  object_id text not null,
  -- When the object was created, where an id may be used again after a deletion.
  incarnation text not null,
  -- The provider's own id of its event.
  event_id text not null,
  digest bytea not null,
  occurred_ms bigint not null,
  type text not null,
  -- In which the provider rendered the event.
  api_version text not null,
  -- Null: the event doesn't tell. json and not jsonb: it is read as it was written.
  before json,
  -- Null: the object is only mentioned, or known to have changed.
  after json,
  complete boolean not null,
  -- The first event of ours that brought it, and its source: outside of what is folded.
  fairlead_event uuid,
  source text not null default '',
  recorded_at timestamptz not null default now(),
  primary key (organization_id, provider, account, mode, kind, object_id, event_id, incarnation, digest)
);
call protect_ledger('ledger_facts');
create index ledger_facts_by_time on ledger_facts (organization_id, mode, occurred_ms);

-- Personal data of a fact about a customer. Redaction deletes these rows, and facts of that customer bring none again.
create table ledger_fact_personal (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  customer text not null,
  event_id text not null,
  digest bytea not null,
  occurred_ms bigint not null,
  personal json not null,
  primary key (organization_id, provider, account, mode, customer, event_id, digest)
);
call protect_ledger('ledger_fact_personal');

-- Customers whose personal data was erased.
create table ledger_redactions (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  customer text not null,
  redacted_at timestamptz not null default now(),
  primary key (organization_id, provider, account, mode, customer)
);
call protect_ledger('ledger_redactions');

-- Verified events of payment providers that could not be read: shown, and read again by a newer version.
create table ledger_quarantine (
  organization_id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  event_id uuid not null,
  source text not null,
  provider text not null,
  type text not null,
  reason text not null,
  seen_at timestamptz not null default now(),
  primary key (organization_id, event_id)
);
call protect_ledger('ledger_quarantine');
create index ledger_quarantine_by_time on ledger_quarantine (organization_id, seen_at desc, event_id desc);

-- What was told last of an object, and since when something new is to be told: two seconds after a change, in its state by then.
create table ledger_outbox (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  kind text not null,
  object_id text not null,
  -- Null: nothing is to be told.
  due_at timestamptz,
  -- Grows with each change that comes: told is only what was read with it.
  change integer not null default 1,
  -- The state that was told last, and digests of all that can be told and of the history; null: nothing was.
  told_status text,
  told_digest bytea,
  told_history bytea,
  -- How often the object was told of: part of the event's id.
  told integer not null default 0,
  primary key (organization_id, provider, account, mode, kind, object_id)
);
call protect_ledger('ledger_outbox');
create index ledger_outbox_due on ledger_outbox (due_at) where due_at is not null;
