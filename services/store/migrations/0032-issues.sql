-- Issues: what fails or is refused for one reason, counted by the projection. 100,000 failures of one cause are one row.
create table issues (
  organization_id uuid not null,
  id uuid not null default gen_random_uuid(),
  -- `delivery`: attempts at a destination fail; `refusal`: requests to a source do not verify.
  kind text not null check (kind in ('delivery', 'refusal')),
  -- The destination or the source.
  subject_id uuid not null,
  -- The word of the outcome, or of the reason.
  cause text not null,
  -- HTTP status; 0: there is none.
  status integer not null,
  state text not null default 'open' check (state in ('open', 'acknowledged', 'resolved', 'ignored')),
  -- It was resolved, and came again.
  regressed boolean not null default false,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- Since when it has been open this time.
  opened_at timestamptz not null,
  failures bigint not null,
  -- Events with one failure of this cause or more; of refusals, the requests.
  events bigint not null,
  -- An attempt of this cause, or the sequence of a rejection: the newest that was counted.
  sample_event_id uuid,
  sample_number integer,
  sample_rejection bigint,
  -- What went well since the last failure.
  recovered_count bigint not null default 0,
  -- Who acknowledged, resolved, ignored or opened it; `recovery`: it recovered.
  changed_by text not null default '',
  changed_at timestamptz not null default now(),
  resolved_at timestamptz,
  ignored_until timestamptz,
  ignored_failures bigint,
  primary key (organization_id, id),
  unique (organization_id, kind, subject_id, cause, status)
);
call protect('issues');
create index issues_newest on issues (organization_id, last_seen_at, id);
create index issues_unresolved on issues (organization_id, kind, subject_id) where state in ('open', 'acknowledged');

-- How often an issue was seen in each hour, kept for two days.
create table issue_hours (
  organization_id uuid not null,
  issue_id uuid not null,
  hour timestamptz not null,
  failures bigint not null,
  primary key (organization_id, issue_id, hour)
);
call protect('issue_hours');

-- One row for each change of state, whoever made it: what operational webhooks tell.
create table issue_notices (
  organization_id uuid not null,
  id uuid not null default gen_random_uuid(),
  issue_id uuid not null,
  at timestamptz not null default now(),
  change text not null check (change in ('opened', 'regressed', 'acknowledged', 'resolved', 'ignored', 'reopened')),
  told_at timestamptz,
  primary key (organization_id, id)
);
call protect('issue_notices');
create index issue_notices_untold on issue_notices (at) where told_at is null;

create function note_issue() returns trigger language plpgsql as $$
begin
  insert into issue_notices (organization_id, issue_id, change) values (
    new.organization_id, new.id,
    case
      when tg_op = 'INSERT' then 'opened'
      when new.state <> 'open' then new.state
      when old.state = 'resolved' and new.regressed then 'regressed'
      else 'reopened'
    end);
  return null;
end
$$;
create trigger note_new after insert on issues for each row execute function note_issue();
create trigger note_state after update on issues for each row
  when (old.state is distinct from new.state) execute function note_issue();
