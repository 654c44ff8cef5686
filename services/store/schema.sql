create type attempt_trigger as enum ('route', 'manual', 'replay');

create type delivery_state as enum ('waiting', 'delivered', 'dead', 'discarded');

create type event_status as enum ('pending', 'processing', 'success', 'failed', 'unrouted');

create type managed_by as enum ('owner', 'tenant');

create type member_role as enum ('owner', 'admin', 'developer', 'viewer');

create type owner_kind as enum ('kubernetes', 'file', 'api');

create type replay_state as enum ('pending', 'running', 'paused', 'completed', 'cancelled', 'failed');

CREATE OR REPLACE FUNCTION public.add_counts(a bigint[], b bigint[])
 RETURNS bigint[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT (COALESCE(u.x, (0)::bigint) + COALESCE(u.y, (0)::bigint)) FROM UNNEST(add_counts.a, add_counts.b) WITH ORDINALITY u(x, y, place) ORDER BY u.place)
;

CREATE OR REPLACE PROCEDURE public.create_log_partitions(IN day date)
 LANGUAGE plpgsql
AS $procedure$
declare
  parent text;
  partition text;
begin
  foreach parent in array array['events', 'deliveries', 'event_values', 'attempts'] loop
    partition := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
    if to_regclass(partition) is null then
      -- Two who need the same day take turns, and the second finds it made.
      perform pg_advisory_xact_lock(hashtextextended('fairlead.partitions', 0));
    end if;
    -- Not to_regclass: within a statement it still believes what it found before the lock.
    if not exists (select from pg_class where relname = partition and relnamespace = 'public'::regnamespace) then
      -- Made apart and then attached: `create … partition of` would lock out everyone who reads the parent.
      execute format('create table %I (like %I including defaults including constraints)', partition, parent);
      execute format('alter table %I enable row level security', partition);
      execute format('alter table %I force row level security', partition);
      execute format('alter table %I attach partition %I for values from (%L) to (%L)',
        parent, partition, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end if;
  end loop;
end
$procedure$
;

CREATE OR REPLACE FUNCTION public.event_status_of(delivery_count integer, delivered integer, bad integer)
 RETURNS event_status
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (delivery_count IS NULL) THEN 'pending'::event_status WHEN (delivery_count = 0) THEN 'unrouted'::event_status WHEN ((delivered + bad) < delivery_count) THEN 'processing'::event_status WHEN (bad > 0) THEN 'failed'::event_status ELSE 'success'::event_status END
;

CREATE OR REPLACE FUNCTION public.forget_applied()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if current_setting('fairlead.keeps_applied', true) = 'on' then return null; end if;
  update organizations
    set applied_digest = null, applied_fingerprint = null, changes_by_others = changes_by_others + 1
    where id = coalesce(new.organization_id, old.organization_id);
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION public.forget_own_applied()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.applied_digest := null;
  new.applied_fingerprint := null;
  if current_setting('fairlead.keeps_applied', true) is distinct from 'on' then
    new.changes_by_others := old.changes_by_others + 1;
  end if;
  return new;
end
$function$
;

CREATE OR REPLACE FUNCTION public.histogram(places integer[])
 RETURNS bigint[]
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
declare
  counts bigint[] := '{}';
  place integer;
begin
  if places is null then return counts; end if;
  counts := array_fill(0::bigint, array[(select max(p) + 1 from unnest(places) as p)]);
  foreach place in array places loop
    counts[place + 1] := counts[place + 1] + 1;
  end loop;
  return counts;
end
$function$
;

CREATE OR REPLACE FUNCTION public.in_mode(mode text)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN COALESCE((NULLIF(current_setting('fairlead.mode'::text, true), ''::text) = mode), true)
;

CREATE OR REPLACE FUNCTION public.in_platform_scope()
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (current_setting('fairlead.scope'::text, true) = 'platform'::text)
;

CREATE OR REPLACE FUNCTION public.in_scope(organization_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN ((current_setting('fairlead.scope'::text, true) = 'platform'::text) OR (organization_id = (NULLIF(current_setting('fairlead.organization_id'::text, true), ''::text))::uuid))
;

CREATE OR REPLACE FUNCTION public.latency_bucket(ms integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN width_bucket(ms, ARRAY[1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10000, 15000, 20000, 30000])
;

CREATE OR REPLACE FUNCTION public.ledger_destination(organization_id uuid)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SUBSTRING(encode(sha256(convert_to(((organization_id)::text || '
_ledger'::text), 'UTF8'::name)), 'hex'::text) FROM 1 FOR 32))::uuid
;

CREATE OR REPLACE FUNCTION public.next_destination_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update destinations set version = version + 1
    where organization_id = coalesce(new.organization_id, old.organization_id)
      and id = coalesce(new.destination_id, old.destination_id);
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION public.next_source_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update sources set version = version + 1
    where organization_id = coalesce(new.organization_id, old.organization_id)
      and id = coalesce(new.source_id, old.source_id);
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION public.next_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.version := old.version + 1;
  return new;
end
$function$
;

CREATE OR REPLACE FUNCTION public.note_by(name text, add_up text)
 RETURNS text
 LANGUAGE sql
AS $functionx$
  select format($function$
create function %s() returns trigger language plpgsql as $body$
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then %s; end if;
  elsif tg_op = 'DELETE' then
    if exists (select from old_rows) then %s; end if;
  elsif exists (select from new_rows) then
    %s;
  end if;
  return null;
end
$body$$function$, name,
    replace(add_up, 'changed_rows', 'select 1 as sign, * from new_rows'),
    replace(add_up, 'changed_rows', 'select -1 as sign, * from old_rows'),
    replace(add_up, 'changed_rows', 'select 1 as sign, * from new_rows union all select -1, * from old_rows'))
$functionx$
;

CREATE OR REPLACE FUNCTION public.note_issue()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION public.note_restated_ledger_disputes()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(created_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * (case when status = 'lost' then coalesce(amount, 0) else 0 end))::bigint as lost
       from (select 1 as sign, * from new_rows) c
       where currency is not null
         and created_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif tg_op = 'DELETE' then
    if exists (select from old_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(created_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * (case when status = 'lost' then coalesce(amount, 0) else 0 end))::bigint as lost
       from (select -1 as sign, * from old_rows) c
       where currency is not null
         and created_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif exists (select from new_rows) then
    insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(created_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * (case when status = 'lost' then coalesce(amount, 0) else 0 end))::bigint as lost
       from (select 1 as sign, * from new_rows union all select -1, * from old_rows) c
       where currency is not null
         and created_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at;
  end if;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION public.note_restated_ledger_mrr_movements()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(at_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * (after - before))::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * 0)::bigint as lost
       from (select 1 as sign, * from new_rows) c
       where currency is not null
         and at_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif tg_op = 'DELETE' then
    if exists (select from old_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(at_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * (after - before))::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * 0)::bigint as lost
       from (select -1 as sign, * from old_rows) c
       where currency is not null
         and at_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif exists (select from new_rows) then
    insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(at_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * (after - before))::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * 0)::bigint as lost
       from (select 1 as sign, * from new_rows union all select -1, * from old_rows) c
       where currency is not null
         and at_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at;
  end if;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION public.note_restated_ledger_payments()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(settled_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * coalesce(captured, 0))::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * (case when status = 'reversed' then disputed_lost - coalesce((
     select sum(d.amount) from ledger_disputes d
     where d.organization_id = c.organization_id and d.provider = c.provider and d.account = c.account and d.mode = c.mode
       and d.charge = c.id and d.currency = c.currency and d.status = 'lost'), 0) else 0 end))::bigint as lost
       from (select 1 as sign, * from new_rows) c
       where currency is not null
         and settled_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif tg_op = 'DELETE' then
    if exists (select from old_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(settled_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * coalesce(captured, 0))::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * (case when status = 'reversed' then disputed_lost - coalesce((
     select sum(d.amount) from ledger_disputes d
     where d.organization_id = c.organization_id and d.provider = c.provider and d.account = c.account and d.mode = c.mode
       and d.charge = c.id and d.currency = c.currency and d.status = 'lost'), 0) else 0 end))::bigint as lost
       from (select -1 as sign, * from old_rows) c
       where currency is not null
         and settled_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif exists (select from new_rows) then
    insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(settled_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * coalesce(captured, 0))::bigint as paid, sum(sign * 0)::bigint as refunded,
         sum(sign * (case when status = 'reversed' then disputed_lost - coalesce((
     select sum(d.amount) from ledger_disputes d
     where d.organization_id = c.organization_id and d.provider = c.provider and d.account = c.account and d.mode = c.mode
       and d.charge = c.id and d.currency = c.currency and d.status = 'lost'), 0) else 0 end))::bigint as lost
       from (select 1 as sign, * from new_rows union all select -1, * from old_rows) c
       where currency is not null
         and settled_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at;
  end if;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION public.note_restated_ledger_refunds()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(created_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * (case when status in ('failed', 'canceled') then 0 else coalesce(amount, 0) end))::bigint as refunded,
         sum(sign * 0)::bigint as lost
       from (select 1 as sign, * from new_rows) c
       where currency is not null
         and created_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif tg_op = 'DELETE' then
    if exists (select from old_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(created_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * (case when status in ('failed', 'canceled') then 0 else coalesce(amount, 0) end))::bigint as refunded,
         sum(sign * 0)::bigint as lost
       from (select -1 as sign, * from old_rows) c
       where currency is not null
         and created_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at; end if;
  elsif exists (select from new_rows) then
    insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(created_ms / 1000.0) at time zone 'UTC')::date as day, currency,
         sum(sign * 0)::bigint as mrr, sum(sign * 0)::bigint as paid, sum(sign * (case when status in ('failed', 'canceled') then 0 else coalesce(amount, 0) end))::bigint as refunded,
         sum(sign * 0)::bigint as lost
       from (select 1 as sign, * from new_rows union all select -1, * from old_rows) c
       where currency is not null
         and created_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at;
  end if;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION public.note_restated_reversals()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select p.organization_id, p.mode, (to_timestamp(p.settled_ms / 1000.0) at time zone 'UTC')::date as day, p.currency,
         0 as mrr, 0 as paid, 0 as refunded, -sum(c.sign * c.amount)::bigint as lost
       from (select 1 as sign, * from new_rows) c join ledger_payments p on p.organization_id = c.organization_id and p.provider = c.provider
         and p.account = c.account and p.mode = c.mode and p.id = c.charge and p.currency = c.currency
       where c.status = 'lost' and p.status = 'reversed'
         and p.settled_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where lost <> 0
     on conflict (organization_id, mode, day, currency) do update set lost = r.lost + excluded.lost, last_at = excluded.last_at; end if;
  elsif tg_op = 'DELETE' then
    if exists (select from old_rows) then insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select p.organization_id, p.mode, (to_timestamp(p.settled_ms / 1000.0) at time zone 'UTC')::date as day, p.currency,
         0 as mrr, 0 as paid, 0 as refunded, -sum(c.sign * c.amount)::bigint as lost
       from (select -1 as sign, * from old_rows) c join ledger_payments p on p.organization_id = c.organization_id and p.provider = c.provider
         and p.account = c.account and p.mode = c.mode and p.id = c.charge and p.currency = c.currency
       where c.status = 'lost' and p.status = 'reversed'
         and p.settled_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where lost <> 0
     on conflict (organization_id, mode, day, currency) do update set lost = r.lost + excluded.lost, last_at = excluded.last_at; end if;
  elsif exists (select from new_rows) then
    insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select p.organization_id, p.mode, (to_timestamp(p.settled_ms / 1000.0) at time zone 'UTC')::date as day, p.currency,
         0 as mrr, 0 as paid, 0 as refunded, -sum(c.sign * c.amount)::bigint as lost
       from (select 1 as sign, * from new_rows union all select -1, * from old_rows) c join ledger_payments p on p.organization_id = c.organization_id and p.provider = c.provider
         and p.account = c.account and p.mode = c.mode and p.id = c.charge and p.currency = c.currency
       where c.status = 'lost' and p.status = 'reversed'
         and p.settled_ms < (extract(epoch from date_trunc('day', now() - interval '24 hours', 'UTC')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where lost <> 0
     on conflict (organization_id, mode, day, currency) do update set lost = r.lost + excluded.lost, last_at = excluded.last_at;
  end if;
  return null;
end
$function$
;

CREATE OR REPLACE PROCEDURE public.protect(IN protected regclass)
 LANGUAGE plpgsql
AS $procedure$
begin
  execute format('alter table %s enable row level security', protected);
  execute format('alter table %s force row level security', protected);
  execute format(
    'create policy organization on %s using (in_scope(organization_id)) with check (in_scope(organization_id))',
    protected);
end
$procedure$
;

CREATE OR REPLACE PROCEDURE public.protect_ledger(IN protected regclass)
 LANGUAGE plpgsql
AS $procedure$
begin
  execute format('alter table %s enable row level security', protected);
  execute format('alter table %s force row level security', protected);
  execute format(
    'create policy organization on %s using (((select in_platform_scope()) or organization_id = (select scope_organization()))'
    ' and ((select scope_mode()) is null or mode = (select scope_mode())))', protected);
end
$procedure$
;

CREATE OR REPLACE FUNCTION public.scope_mode()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('fairlead.mode'::text, true), ''::text)
;

CREATE OR REPLACE FUNCTION public.scope_organization()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (NULLIF(current_setting('fairlead.organization_id'::text, true), ''::text))::uuid
;

create aggregate sum_counts(bigint[]);

CREATE OR REPLACE FUNCTION public.tell_replay()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('fairlead_replays', '');
  return null;
end
$function$
;

CREATE OR REPLACE PROCEDURE public.watch_closed_days(IN watched regclass, IN at_ms text, IN mrr text, IN paid text, IN refunded text, IN lost text)
 LANGUAGE plpgsql
AS $procedure$
declare
  add_up text := format(
    'insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(%1$s / 1000.0) at time zone ''UTC'')::date as day, currency,
         sum(sign * %2$s)::bigint as mrr, sum(sign * %3$s)::bigint as paid, sum(sign * %4$s)::bigint as refunded,
         sum(sign * %5$s)::bigint as lost
       from (changed_rows) c
       where currency is not null
         and %1$s < (extract(epoch from date_trunc(''day'', now() - interval ''24 hours'', ''UTC'')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at', at_ms, mrr, paid, refunded, lost);
begin
  execute note_by(format('note_restated_%s', watched), add_up);
  execute format('drop trigger if exists restated_insert on %s', watched);
  execute format('drop trigger if exists restated_delete on %s', watched);
  execute format('drop trigger if exists restated_update on %s', watched);
  execute format('create trigger restated_insert after insert on %1$s referencing new table as new_rows
    for each statement execute function note_restated_%1$s()', watched);
  execute format('create trigger restated_delete after delete on %1$s referencing old table as old_rows
    for each statement execute function note_restated_%1$s()', watched);
  execute format('create trigger restated_update after update on %1$s referencing old table as old_rows new table as new_rows
    for each statement execute function note_restated_%1$s()', watched);
end
$procedure$
;

create table api_keys (
  organization_id uuid,
  id uuid not null,
  name text not null,
  prefix text not null,
  sha256 bytea not null,
  role member_role not null,
  managed_by managed_by not null,
  created_at timestamp with time zone not null default now(),
  last_used_at timestamp with time zone,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  made_by uuid,
  scopes text[] not null default '{}'::text[],
  last_used_from text not null default ''::text,
  previous_sha256 bytea,
  previous_prefix text,
  previous_until timestamp with time zone,
  previous_last_used_at timestamp with time zone,
  constraint api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_previous CHECK ((((previous_sha256 IS NULL) = (previous_until IS NULL)) AND ((previous_sha256 IS NULL) = (previous_prefix IS NULL)))),
  constraint api_keys_previous_sha256_check CHECK ((length(previous_sha256) = 32)),
  constraint api_keys_sha256_check CHECK ((length(sha256) = 32))
);
alter table api_keys enable row level security;
alter table api_keys force row level security;

create table attempts (
  organization_id uuid not null,
  event_id uuid not null,
  destination_id uuid not null,
  number integer not null,
  received_at timestamp with time zone not null,
  at timestamp with time zone not null,
  duration_ms integer not null,
  delivered boolean not null,
  outcome text not null,
  status integer,
  reason text,
  trigger attempt_trigger not null,
  replay_id uuid,
  dead boolean not null default false,
  exchange_seq bigint,
  mode text not null default 'live'::text,
  constraint attempts_pkey PRIMARY KEY (organization_id, event_id, destination_id, number, received_at)
) partition by RANGE (received_at);
alter table attempts enable row level security;
alter table attempts force row level security;

create table audit_heads (
  organization_id uuid,
  seq bigint not null,
  sha256 bytea not null,
  constraint audit_heads_sha256_check CHECK ((length(sha256) = 32))
);
alter table audit_heads enable row level security;
alter table audit_heads force row level security;

create table audit_logs (
  organization_id uuid,
  id uuid not null,
  at timestamp with time zone not null,
  actor_kind text not null,
  actor_id text not null,
  action text not null,
  subject_id text not null,
  details jsonb not null,
  actor_name text not null default ''::text,
  via text not null default ''::text,
  address text not null default ''::text,
  agent text not null default ''::text,
  request_id text not null default ''::text,
  seq bigint,
  before_sha256 bytea,
  sha256 bytea,
  constraint audit_logs_before_sha256_check CHECK ((length(before_sha256) = 32)),
  constraint audit_logs_chained CHECK (((seq IS NOT NULL) AND (before_sha256 IS NOT NULL) AND (sha256 IS NOT NULL))) NOT VALID,
  constraint audit_logs_pkey PRIMARY KEY (id),
  constraint audit_logs_seq_check CHECK ((seq > 0)),
  constraint audit_logs_sha256_check CHECK ((length(sha256) = 32))
);
alter table audit_logs enable row level security;
alter table audit_logs force row level security;

create table connected_accounts (
  organization_id uuid not null,
  account text not null,
  scope text not null,
  livemode boolean not null,
  connected_at timestamp with time zone not null,
  disconnected_at timestamp with time zone,
  constraint connected_accounts_account_check CHECK ((account ~ '^acct_[A-Za-z0-9]{1,64}$'::text)),
  constraint connected_accounts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint connected_accounts_pkey PRIMARY KEY (organization_id, account)
);
alter table connected_accounts enable row level security;
alter table connected_accounts force row level security;

create table deliveries (
  organization_id uuid not null,
  event_id uuid not null,
  destination_id uuid not null,
  received_at timestamp with time zone not null,
  id uuid not null,
  state delivery_state not null,
  attempt_count integer not null,
  trigger attempt_trigger,
  next_attempt_at timestamp with time zone,
  died_at timestamp with time zone,
  dead_reason text,
  dead_seq bigint,
  discard_reason text,
  mode text not null default 'live'::text,
  constraint deliveries_pkey PRIMARY KEY (organization_id, event_id, destination_id, received_at)
) partition by RANGE (received_at);
alter table deliveries enable row level security;
alter table deliveries force row level security;

create table destination_auths (
  organization_id uuid not null,
  destination_id uuid not null,
  id text not null,
  position integer not null,
  sealed text not null,
  constraint destination_auths_organization_id_destination_id_fkey FOREIGN KEY (organization_id, destination_id) REFERENCES destinations(organization_id, id) ON DELETE CASCADE,
  constraint destination_auths_pkey PRIMARY KEY (organization_id, destination_id, id)
);
alter table destination_auths enable row level security;
alter table destination_auths force row level security;

create table destination_headers (
  organization_id uuid not null,
  destination_id uuid not null,
  name text not null,
  position integer not null,
  sealed text not null,
  constraint destination_headers_organization_id_destination_id_fkey FOREIGN KEY (organization_id, destination_id) REFERENCES destinations(organization_id, id) ON DELETE CASCADE,
  constraint destination_headers_pkey PRIMARY KEY (organization_id, destination_id, name)
);
alter table destination_headers enable row level security;
alter table destination_headers force row level security;

create table destination_health (
  organization_id uuid not null,
  destination_id uuid not null,
  last_attempt_at timestamp with time zone not null,
  last_success_at timestamp with time zone,
  failing_since timestamp with time zone,
  last_error text,
  lane text,
  constraint destination_health_lane_check CHECK ((lane = ANY (ARRAY['throttled'::text, 'broken'::text, 'host_broken'::text]))),
  constraint destination_health_pkey PRIMARY KEY (organization_id, destination_id)
);
alter table destination_health enable row level security;
alter table destination_health force row level security;

create table destination_pauses (
  organization_id uuid not null,
  destination_id uuid not null,
  reason text not null,
  since timestamp with time zone not null default now(),
  constraint destination_pauses_organization_id_destination_id_fkey FOREIGN KEY (organization_id, destination_id) REFERENCES destinations(organization_id, id) ON DELETE CASCADE,
  constraint destination_pauses_pkey PRIMARY KEY (organization_id, destination_id),
  constraint destination_pauses_reason_check CHECK ((reason = ANY (ARRAY['gone'::text, 'failing'::text, 'asked'::text])))
);
alter table destination_pauses enable row level security;
alter table destination_pauses force row level security;

create table destinations (
  organization_id uuid not null,
  id uuid not null,
  name text not null,
  url text not null,
  timeout_seconds double precision not null,
  concurrency integer,
  rate_limit_per_second double precision,
  rate_limit_burst integer,
  retry_delays_seconds double precision[] not null,
  paused boolean not null default false,
  managed_by managed_by not null,
  created_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  kind text not null default 'http'::text,
  processor text not null default ''::text,
  forward_credentials boolean not null default false,
  active boolean not null default true,
  version integer not null default 1,
  trace_context text not null default 'w3c'::text,
  constraint destinations_concurrency_check CHECK ((concurrency > 0)),
  constraint destinations_kind_check CHECK ((kind = ANY (ARRAY['http'::text, 'nats'::text, 'processor'::text]))),
  constraint destinations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint destinations_organization_id_name_key UNIQUE (organization_id, name),
  constraint destinations_pkey PRIMARY KEY (organization_id, id),
  constraint destinations_rate_limit_burst_check CHECK ((rate_limit_burst > 0)),
  constraint destinations_rate_limit_per_second_check CHECK ((rate_limit_per_second > (0)::double precision)),
  constraint destinations_timeout_seconds_check CHECK ((timeout_seconds > (0)::double precision)),
  constraint destinations_trace_context_check CHECK ((trace_context = ANY (ARRAY['w3c'::text, 'none'::text]))),
  constraint destinations_url CHECK (((kind = 'http'::text) = (url <> ''::text)))
);
alter table destinations enable row level security;
alter table destinations force row level security;

create table event_values (
  organization_id uuid not null,
  digest bigint not null,
  received_at timestamp with time zone not null,
  event_id uuid not null,
  mode text not null,
  constraint event_values_pkey PRIMARY KEY (organization_id, digest, received_at, event_id)
) partition by RANGE (received_at);
alter table event_values enable row level security;
alter table event_values force row level security;

create table events (
  organization_id uuid not null,
  id uuid not null,
  received_at timestamp with time zone not null,
  source_id uuid not null,
  source text not null,
  provider text not null,
  type text not null,
  status event_status not null,
  stream_seq bigint,
  size_bytes bigint not null,
  method text not null,
  url text not null,
  secret_id text,
  delivery_count integer,
  delivered_count integer not null default 0,
  dead_count integer not null default 0,
  types text[],
  repeat_count integer not null default 0,
  differing_count integer not null default 0,
  last_repeated_at timestamp with time zone,
  change_seq bigint,
  mode text not null default 'live'::text,
  constraint events_pkey PRIMARY KEY (organization_id, id, received_at)
) partition by RANGE (received_at);
alter table events enable row level security;
alter table events force row level security;

create table held_connect_events (
  account text not null,
  event_id text not null,
  body bytea not null,
  size integer not null,
  received_at timestamp with time zone not null,
  constraint held_connect_events_pkey PRIMARY KEY (account, event_id)
);
alter table held_connect_events enable row level security;
alter table held_connect_events force row level security;

create table idempotency_keys (
  id uuid not null default gen_random_uuid(),
  organization_id uuid,
  actor_id text not null,
  key text not null,
  request_sha256 bytea not null,
  sealed text not null,
  expires_at timestamp with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (id),
  constraint idempotency_keys_request_sha256_check CHECK ((length(request_sha256) = 32))
);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;

create table identities (
  issuer text not null,
  subject text not null,
  email text not null,
  created_at timestamp with time zone not null default now(),
  constraint identities_email_check CHECK ((email = lower(email))),
  constraint identities_issuer_email_key UNIQUE (issuer, email),
  constraint identities_pkey PRIMARY KEY (issuer, subject)
);
alter table identities enable row level security;
alter table identities force row level security;

create table invitations (
  organization_id uuid not null,
  id uuid not null,
  email text not null,
  role member_role not null,
  token_sha256 bytea not null,
  invited_by text not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  accepted_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint invitations_email_check CHECK ((email = lower(email))),
  constraint invitations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint invitations_pkey PRIMARY KEY (organization_id, id),
  constraint invitations_token_sha256_check CHECK ((length(token_sha256) = 32))
);
alter table invitations enable row level security;
alter table invitations force row level security;

create table issue_hours (
  organization_id uuid not null,
  issue_id uuid not null,
  hour timestamp with time zone not null,
  failures bigint not null,
  constraint issue_hours_pkey PRIMARY KEY (organization_id, issue_id, hour)
);
alter table issue_hours enable row level security;
alter table issue_hours force row level security;

create table issue_notices (
  organization_id uuid not null,
  id uuid not null default gen_random_uuid(),
  issue_id uuid not null,
  at timestamp with time zone not null default now(),
  change text not null,
  told_at timestamp with time zone,
  constraint issue_notices_change_check CHECK ((change = ANY (ARRAY['opened'::text, 'regressed'::text, 'acknowledged'::text, 'resolved'::text, 'ignored'::text, 'reopened'::text]))),
  constraint issue_notices_pkey PRIMARY KEY (organization_id, id)
);
alter table issue_notices enable row level security;
alter table issue_notices force row level security;

create table issues (
  organization_id uuid not null,
  id uuid not null default gen_random_uuid(),
  kind text not null,
  subject_id uuid not null,
  cause text not null,
  status integer not null,
  state text not null default 'open'::text,
  regressed boolean not null default false,
  first_seen_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  opened_at timestamp with time zone not null,
  failures bigint not null,
  events bigint not null,
  sample_event_id uuid,
  sample_number integer,
  sample_rejection bigint,
  recovered_count bigint not null default 0,
  changed_by text not null default ''::text,
  changed_at timestamp with time zone not null default now(),
  resolved_at timestamp with time zone,
  ignored_until timestamp with time zone,
  ignored_failures bigint,
  mode text not null default 'live'::text,
  constraint issues_kind_check CHECK ((kind = ANY (ARRAY['delivery'::text, 'refusal'::text]))),
  constraint issues_organization_id_kind_subject_id_cause_status_key UNIQUE (organization_id, kind, subject_id, cause, status),
  constraint issues_pkey PRIMARY KEY (organization_id, id),
  constraint issues_state_check CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'resolved'::text, 'ignored'::text])))
);
alter table issues enable row level security;
alter table issues force row level security;

create table ledger_access (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  customer text not null,
  grants jsonb not null,
  complete boolean not null,
  mrr_incomplete jsonb not null,
  constraint ledger_access_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_access_pkey PRIMARY KEY (organization_id, customer, provider, account, mode)
);
alter table ledger_access enable row level security;
alter table ledger_access force row level security;

create table ledger_credit_notes (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  invoice text,
  customer text,
  number text,
  amount bigint,
  currency text,
  status text,
  reason text,
  created_ms bigint,
  voided_ms bigint,
  constraint ledger_credit_notes_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_credit_notes_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_credit_notes_pkey PRIMARY KEY (organization_id, provider, account, mode, id)
);
alter table ledger_credit_notes enable row level security;
alter table ledger_credit_notes force row level security;

create table ledger_customer_personal (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  customer text not null,
  email text,
  name text,
  phone text,
  country text,
  redacted boolean not null,
  constraint ledger_customer_personal_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_customer_personal_pkey PRIMARY KEY (organization_id, provider, account, mode, customer)
);
alter table ledger_customer_personal enable row level security;
alter table ledger_customer_personal force row level security;

create table ledger_customers (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  created_ms bigint,
  reference text,
  currency text,
  balance bigint,
  delinquent boolean,
  deleted boolean,
  redacted boolean,
  constraint ledger_customers_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_customers_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_customers_pkey PRIMARY KEY (organization_id, provider, account, mode, id)
);
alter table ledger_customers enable row level security;
alter table ledger_customers force row level security;

create table ledger_disputes (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  charge text,
  payment_intent text,
  order text,
  amount bigint,
  currency text,
  status text,
  provider_status text,
  reason text,
  created_ms bigint,
  evidence_due_ms bigint,
  constraint ledger_disputes_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_disputes_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_disputes_pkey PRIMARY KEY (organization_id, provider, account, mode, id)
);
alter table ledger_disputes enable row level security;
alter table ledger_disputes force row level security;

create table ledger_fact_personal (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  customer text not null,
  event_id text not null,
  digest bytea not null,
  occurred_ms bigint not null,
  personal json not null,
  constraint ledger_fact_personal_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_fact_personal_pkey PRIMARY KEY (organization_id, provider, account, mode, customer, event_id, digest)
);
alter table ledger_fact_personal enable row level security;
alter table ledger_fact_personal force row level security;

create table ledger_facts (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  kind text not null,
  object_id text not null,
  incarnation text not null,
  event_id text not null,
  digest bytea not null,
  occurred_ms bigint not null,
  type text not null,
  api_version text not null,
  before json,
  after json,
  complete boolean not null,
  fairlead_event uuid,
  source text not null default ''::text,
  recorded_at timestamp with time zone not null default now(),
  weight smallint not null default 1,
  bytes integer not null default 1024,
  constraint ledger_facts_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_facts_pkey PRIMARY KEY (organization_id, provider, account, mode, kind, object_id, event_id, incarnation, digest)
);
alter table ledger_facts enable row level security;
alter table ledger_facts force row level security;

create table ledger_hydration_keys (
  organization_id uuid not null,
  id text not null,
  position integer not null,
  sealed text not null,
  created_at timestamp with time zone not null default now(),
  managed_by text not null default 'owner'::text,
  constraint ledger_hydration_keys_managed_by_check CHECK ((managed_by = ANY (ARRAY['owner'::text, 'tenant'::text]))),
  constraint ledger_hydration_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint ledger_hydration_keys_pkey PRIMARY KEY (organization_id, id)
);
alter table ledger_hydration_keys enable row level security;
alter table ledger_hydration_keys force row level security;

create table ledger_invoice_lines (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  invoice text not null,
  id text not null,
  plan text,
  subscription text,
  subscription_item text,
  quantity bigint,
  amount bigint not null,
  currency text not null,
  proration boolean not null,
  period_start_ms bigint,
  period_end_ms bigint,
  tax bigint not null,
  discount bigint not null,
  constraint ledger_invoice_lines_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_invoice_lines_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_invoice_lines_pkey PRIMARY KEY (organization_id, provider, account, mode, invoice, id)
);
alter table ledger_invoice_lines enable row level security;
alter table ledger_invoice_lines force row level security;

create table ledger_invoices (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  customer text,
  subscription text,
  number text,
  status text,
  reason text,
  currency text,
  subtotal bigint,
  discount bigint,
  tax bigint,
  total bigint,
  amount_due bigint,
  amount_paid bigint,
  amount_remaining bigint,
  attempt_count integer,
  next_attempt_ms bigint,
  due_ms bigint,
  created_ms bigint,
  finalized_ms bigint,
  paid_ms bigint,
  voided_ms bigint,
  uncollectible_ms bigint,
  period_start_ms bigint,
  period_end_ms bigint,
  deleted boolean,
  constraint ledger_invoices_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_invoices_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_invoices_pkey PRIMARY KEY (organization_id, provider, account, mode, id)
);
alter table ledger_invoices enable row level security;
alter table ledger_invoices force row level security;

create table ledger_links (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  parent_kind text not null,
  parent_id text not null,
  kind text not null,
  id text not null,
  constraint ledger_links_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_links_pkey PRIMARY KEY (organization_id, provider, account, mode, parent_kind, parent_id, kind, id)
);
alter table ledger_links enable row level security;
alter table ledger_links force row level security;

create table ledger_mrr_movements (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  customer text not null,
  currency text not null,
  at_ms bigint not null,
  position integer not null,
  kind text not null,
  amount bigint not null,
  before bigint not null,
  after bigint not null,
  event_id text not null,
  subscription text not null,
  constraint ledger_mrr_movements_amount_check CHECK ((amount > 0)),
  constraint ledger_mrr_movements_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_mrr_movements_kind_check CHECK ((kind = ANY (ARRAY['new'::text, 'reactivation'::text, 'expansion'::text, 'contraction'::text, 'churn'::text]))),
  constraint ledger_mrr_movements_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_mrr_movements_pkey PRIMARY KEY (organization_id, provider, account, mode, customer, currency, at_ms, "position")
);
alter table ledger_mrr_movements enable row level security;
alter table ledger_mrr_movements force row level security;

create table ledger_objects (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  kind text not null,
  id text not null,
  incarnation text not null,
  known boolean not null,
  owner text not null,
  fields jsonb not null,
  constraint ledger_objects_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_objects_pkey PRIMARY KEY (organization_id, provider, account, mode, kind, id, incarnation)
);
alter table ledger_objects enable row level security;
alter table ledger_objects force row level security;

create table ledger_outbox (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  kind text not null,
  object_id text not null,
  due_at timestamp with time zone,
  change integer not null default 1,
  told_status text,
  told_digest bytea,
  told_history bytea,
  told integer not null default 0,
  constraint ledger_outbox_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_outbox_pkey PRIMARY KEY (organization_id, provider, account, mode, kind, object_id)
);
alter table ledger_outbox enable row level security;
alter table ledger_outbox force row level security;

create table ledger_payments (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  kind text not null,
  owner text not null,
  known boolean not null,
  customer text,
  invoice text,
  subscription text,
  amount bigint,
  captured bigint not null,
  refunded bigint not null,
  disputed_open bigint not null,
  disputed_lost bigint not null,
  currency text,
  status text not null,
  failure_code text,
  method text,
  attempts integer not null,
  created_ms bigint,
  settled_ms bigint,
  complete boolean not null default true,
  constraint ledger_payments_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_payments_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_payments_pkey PRIMARY KEY (organization_id, provider, account, mode, id, owner)
);
alter table ledger_payments enable row level security;
alter table ledger_payments force row level security;

create table ledger_plans (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  incarnation text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  created_ms bigint,
  product text,
  active boolean,
  nickname text,
  lookup_key text,
  currency text,
  unit_amount numeric(30,12),
  scheme text,
  usage text,
  interval text,
  interval_count integer,
  trial_days integer,
  tax text,
  transform jsonb,
  deleted boolean,
  constraint ledger_plans_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_plans_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_plans_pkey PRIMARY KEY (organization_id, provider, account, mode, id, incarnation)
);
alter table ledger_plans enable row level security;
alter table ledger_plans force row level security;

create table ledger_products (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  incarnation text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  created_ms bigint,
  name text,
  active boolean,
  default_plan text,
  deleted boolean,
  constraint ledger_products_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_products_pkey PRIMARY KEY (organization_id, provider, account, mode, id, incarnation)
);
alter table ledger_products enable row level security;
alter table ledger_products force row level security;

create table ledger_quarantine (
  organization_id uuid not null,
  mode text not null,
  event_id uuid not null,
  source text not null,
  provider text not null,
  type text not null,
  reason text not null,
  seen_at timestamp with time zone not null default now(),
  constraint ledger_quarantine_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_quarantine_pkey PRIMARY KEY (organization_id, event_id)
);
alter table ledger_quarantine enable row level security;
alter table ledger_quarantine force row level security;

create table ledger_rate_settings (
  organization_id uuid not null,
  rates jsonb not null,
  version integer not null default 1,
  updated_at timestamp with time zone not null default now(),
  constraint ledger_rate_settings_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint ledger_rate_settings_pkey PRIMARY KEY (organization_id)
);
alter table ledger_rate_settings enable row level security;
alter table ledger_rate_settings force row level security;

create table ledger_rebuilds (
  organization_id uuid not null,
  id uuid not null,
  mode text,
  state text not null default 'pending'::text,
  objects bigint not null default 0,
  of bigint not null,
  change jsonb,
  created_by text not null,
  created_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  alive_at timestamp with time zone,
  tries integer not null default 0,
  fault text,
  constraint ledger_rebuilds_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_rebuilds_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint ledger_rebuilds_pkey PRIMARY KEY (organization_id, id),
  constraint ledger_rebuilds_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text])))
);
alter table ledger_rebuilds enable row level security;
alter table ledger_rebuilds force row level security;

create table ledger_redactions (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  customer text not null,
  redacted_at timestamp with time zone not null default now(),
  constraint ledger_redactions_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_redactions_pkey PRIMARY KEY (organization_id, provider, account, mode, customer)
);
alter table ledger_redactions enable row level security;
alter table ledger_redactions force row level security;

create table ledger_refunds (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  charge text,
  payment_intent text,
  order text,
  amount bigint,
  currency text,
  status text,
  reason text,
  failure_reason text,
  created_ms bigint,
  constraint ledger_refunds_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_refunds_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_refunds_pkey PRIMARY KEY (organization_id, provider, account, mode, id)
);
alter table ledger_refunds enable row level security;
alter table ledger_refunds force row level security;

create table ledger_restatements (
  organization_id uuid not null,
  mode text not null,
  day date not null,
  currency text not null,
  mrr bigint not null,
  paid bigint not null,
  refunded bigint not null,
  lost bigint not null,
  first_at timestamp with time zone not null default now(),
  last_at timestamp with time zone not null default now(),
  constraint ledger_restatements_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_restatements_pkey PRIMARY KEY (organization_id, mode, day, currency)
);
alter table ledger_restatements enable row level security;
alter table ledger_restatements force row level security;

create table ledger_subscription_items (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  subscription text not null,
  id text not null,
  plan text,
  quantity bigint,
  period_start_ms bigint,
  period_end_ms bigint,
  discounts jsonb,
  inline jsonb,
  constraint ledger_subscription_items_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_subscription_items_pkey PRIMARY KEY (organization_id, provider, account, mode, subscription, id)
);
alter table ledger_subscription_items enable row level security;
alter table ledger_subscription_items force row level security;

create table ledger_subscriptions (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  customer text,
  status text,
  provider_status text,
  created_ms bigint,
  start_ms bigint,
  trial_start_ms bigint,
  trial_end_ms bigint,
  cancel_ms bigint,
  cancel_at_period_end boolean,
  canceled_ms bigint,
  ended_ms bigint,
  period_start_ms bigint,
  period_end_ms bigint,
  collection text,
  pause jsonb,
  latest_invoice text,
  currency text,
  reference text,
  discounts jsonb,
  constraint ledger_subscriptions_currency_check CHECK ((length(currency) = 3)),
  constraint ledger_subscriptions_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_subscriptions_pkey PRIMARY KEY (organization_id, provider, account, mode, id)
);
alter table ledger_subscriptions enable row level security;
alter table ledger_subscriptions force row level security;

create table ledger_transitions (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null,
  kind text not null,
  id text not null,
  incarnation text not null,
  position integer not null,
  at_ms bigint not null,
  event_id text not null,
  type text not null,
  changes jsonb not null,
  from jsonb,
  to jsonb not null,
  legal boolean not null,
  gap boolean not null,
  digest bytea,
  constraint ledger_transitions_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint ledger_transitions_pkey PRIMARY KEY (organization_id, provider, account, mode, kind, id, incarnation, "position")
);
alter table ledger_transitions enable row level security;
alter table ledger_transitions force row level security;

create table members (
  organization_id uuid not null,
  id uuid not null,
  email text not null,
  role member_role not null,
  active boolean not null default true,
  last_login_at timestamp with time zone,
  managed_by managed_by not null,
  created_at timestamp with time zone not null default now(),
  constraint members_email_check CHECK ((email = lower(email))),
  constraint members_organization_id_email_key UNIQUE (organization_id, email),
  constraint members_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint members_pkey PRIMARY KEY (organization_id, id)
);
alter table members enable row level security;
alter table members force row level security;

create table migrations (
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (name)
);

create table monthly_usage (
  organization_id uuid not null,
  month date not null,
  accepted bigint not null,
  constraint monthly_usage_pkey PRIMARY KEY (organization_id, month)
);
alter table monthly_usage enable row level security;
alter table monthly_usage force row level security;

create table notices (
  organization_id uuid not null,
  id uuid not null default gen_random_uuid(),
  type text not null,
  occurrence text not null,
  at timestamp with time zone not null default now(),
  data jsonb not null,
  told_at timestamp with time zone,
  constraint notices_organization_id_type_occurrence_key UNIQUE (organization_id, type, occurrence),
  constraint notices_pkey PRIMARY KEY (organization_id, id)
);
alter table notices enable row level security;
alter table notices force row level security;

create table notification_settings (
  organization_id uuid not null,
  destination_id uuid,
  types text[] not null,
  silent_after jsonb not null default '{}'::jsonb,
  version integer not null default 1,
  updated_at timestamp with time zone not null default now(),
  told_since timestamp with time zone not null default now(),
  constraint notification_settings_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint notification_settings_pkey PRIMARY KEY (organization_id)
);
alter table notification_settings enable row level security;
alter table notification_settings force row level security;

create table objective_hours (
  organization_id uuid not null,
  objective text not null,
  hour timestamp with time zone not null,
  good bigint not null,
  bad bigint not null,
  constraint objective_hours_objective_check CHECK ((objective = ANY (ARRAY['freshness'::text, 'delivery'::text]))),
  constraint objective_hours_pkey PRIMARY KEY (organization_id, objective, hour)
);
alter table objective_hours enable row level security;
alter table objective_hours force row level security;

create table organizations (
  id uuid not null,
  slug text not null,
  display_name text not null,
  plan text not null,
  webhook_limit bigint,
  active boolean not null,
  retention_days integer not null,
  rate_limit_per_second double precision,
  rate_limit_burst integer,
  owner_kind owner_kind not null,
  owner_reference text not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  weight smallint not null default 1,
  applied_digest bytea,
  changes_by_others bigint not null default 0,
  version integer not null default 1,
  applied_fingerprint bytea,
  slo jsonb,
  ledger_enabled boolean not null default false,
  constraint organizations_pkey PRIMARY KEY (id),
  constraint organizations_rate_limit_burst_check CHECK ((rate_limit_burst > 0)),
  constraint organizations_rate_limit_per_second_check CHECK ((rate_limit_per_second > (0)::double precision)),
  constraint organizations_retention_days_check CHECK (((retention_days >= 1) AND (retention_days <= 3650))),
  constraint organizations_webhook_limit_check CHECK ((webhook_limit >= 0)),
  constraint organizations_weight_check CHECK (((weight >= 1) AND (weight <= 100)))
);
alter table organizations enable row level security;
alter table organizations force row level security;

create table passkeys (
  credential_id bytea not null,
  email text not null,
  user_handle bytea not null,
  name text not null,
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null,
  created_at timestamp with time zone not null default now(),
  last_used_at timestamp with time zone,
  constraint passkeys_credential_id_check CHECK (((length(credential_id) >= 1) AND (length(credential_id) <= 1023))),
  constraint passkeys_email_check CHECK ((email = lower(email))),
  constraint passkeys_pkey PRIMARY KEY (credential_id),
  constraint passkeys_user_handle_check CHECK (((length(user_handle) >= 1) AND (length(user_handle) <= 64)))
);
alter table passkeys enable row level security;
alter table passkeys force row level security;

create table passwords (
  email text not null,
  digest text not null,
  version bigint not null default 1,
  created_at timestamp with time zone not null default now(),
  changed_at timestamp with time zone not null default now(),
  constraint passwords_digest_check CHECK (((digest ~~ '$argon2id$%'::text) AND (length(digest) <= 500))),
  constraint passwords_email_check CHECK ((email = lower(email))),
  constraint passwords_pkey PRIMARY KEY (email)
);
alter table passwords enable row level security;
alter table passwords force row level security;

create table probe_reports (
  partition smallint not null,
  state text not null,
  message text not null,
  last_arrival_at timestamp with time zone,
  reported_at timestamp with time zone not null,
  constraint probe_reports_partition_check CHECK (((partition >= 0) AND (partition <= 15))),
  constraint probe_reports_pkey PRIMARY KEY (partition),
  constraint probe_reports_state_check CHECK ((state = ANY (ARRAY['arriving'::text, 'failing'::text])))
);
alter table probe_reports enable row level security;
alter table probe_reports force row level security;

create table projection_positions (
  stream text not null,
  seq bigint not null,
  stream_created_at timestamp with time zone not null,
  constraint projection_positions_pkey PRIMARY KEY (stream)
);
alter table projection_positions enable row level security;
alter table projection_positions force row level security;

create table promotions (
  organization_id uuid not null,
  rejection bigint not null,
  received_at timestamp with time zone not null,
  event_id uuid not null,
  source text not null,
  facts jsonb not null,
  created_at timestamp with time zone not null,
  done_at timestamp with time zone,
  constraint promotions_pkey PRIMARY KEY (organization_id, rejection, received_at)
);
alter table promotions enable row level security;
alter table promotions force row level security;

create table replays (
  organization_id uuid not null,
  id uuid not null,
  request_id text,
  selector jsonb not null,
  destination_ids uuid[],
  rate_per_second integer not null,
  state replay_state not null default 'pending'::replay_state,
  matched_events bigint not null,
  matched bigint not null,
  expired bigint not null,
  published bigint not null default 0,
  skipped bigint not null default 0,
  cursor_at timestamp with time zone,
  cursor_id uuid,
  in_hand jsonb,
  delivered bigint not null default 0,
  failed bigint not null default 0,
  created_by text not null,
  created_at timestamp with time zone not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  fault text,
  looked_at timestamp with time zone,
  kind text not null default 'replay'::text,
  planned_until timestamp with time zone,
  asked jsonb,
  mode text,
  constraint replays_check CHECK (((cursor_at IS NULL) = (cursor_id IS NULL))),
  constraint replays_check1 CHECK (((ended_at IS NOT NULL) = (state = ANY (ARRAY['completed'::replay_state, 'cancelled'::replay_state, 'failed'::replay_state])))),
  constraint replays_kind_check CHECK ((kind = ANY (ARRAY['replay'::text, 'retry'::text]))),
  constraint replays_pkey PRIMARY KEY (organization_id, id)
);
alter table replays enable row level security;
alter table replays force row level security;

create table retry_items (
  organization_id uuid not null,
  retry_id uuid not null,
  received_at timestamp with time zone not null,
  event_id uuid not null,
  destination_id uuid not null,
  attempt_count integer not null,
  constraint retry_items_pkey PRIMARY KEY (organization_id, retry_id, received_at, event_id, destination_id)
);
alter table retry_items enable row level security;
alter table retry_items force row level security;

create table rollup_types (
  organization_id uuid not null,
  type text not null,
  constraint rollup_types_pkey PRIMARY KEY (organization_id, type)
);
alter table rollup_types enable row level security;
alter table rollup_types force row level security;

create table rollups (
  organization_id uuid not null,
  dimension text not null,
  value text not null,
  slot timestamp with time zone not null,
  events bigint not null default 0,
  bytes bigint not null default 0,
  attempts bigint not null default 0,
  delivered bigint not null default 0,
  dead bigint not null default 0,
  latencies bigint[] not null default '{}'::bigint[],
  constraint rollups_dimension_check CHECK ((dimension = ANY (ARRAY['source'::text, 'type'::text, 'destination'::text, 'test_source'::text, 'test_type'::text, 'test_destination'::text]))),
  constraint rollups_pkey PRIMARY KEY (organization_id, dimension, slot, value)
);
alter table rollups enable row level security;
alter table rollups force row level security;

create table routes (
  organization_id uuid not null,
  id uuid not null,
  source text not null,
  event_types text[] not null,
  destinations text[] not null,
  managed_by managed_by not null,
  created_at timestamp with time zone not null default now(),
  order_by jsonb,
  version integer not null default 1,
  constraint routes_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint routes_organization_id_source_event_types_destinations_key UNIQUE (organization_id, source, event_types, destinations),
  constraint routes_pkey PRIMARY KEY (organization_id, id)
);
alter table routes enable row level security;
alter table routes force row level security;

create table signing_secrets (
  organization_id uuid not null,
  id text not null,
  position integer not null,
  sealed text not null,
  created_at timestamp with time zone not null default now(),
  constraint signing_secrets_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint signing_secrets_pkey PRIMARY KEY (organization_id, id)
);
alter table signing_secrets enable row level security;
alter table signing_secrets force row level security;

create table source_activity (
  organization_id uuid not null,
  source_id uuid not null,
  secret_id text not null,
  last_event_at timestamp with time zone not null,
  matched bigint not null default 0,
  constraint source_activity_pkey PRIMARY KEY (organization_id, source_id, secret_id)
);
alter table source_activity enable row level security;
alter table source_activity force row level security;

create table source_counts (
  organization_id uuid not null,
  source_id uuid not null,
  slot timestamp with time zone not null,
  accepted bigint not null default 0,
  repeated bigint not null default 0,
  differing bigint not null default 0,
  constraint source_counts_pkey PRIMARY KEY (organization_id, source_id, slot)
);
alter table source_counts enable row level security;
alter table source_counts force row level security;

create table source_secrets (
  organization_id uuid not null,
  source_id uuid not null,
  id text not null,
  position integer not null,
  sealed text not null,
  created_at timestamp with time zone not null default now(),
  constraint source_secrets_organization_id_source_id_fkey FOREIGN KEY (organization_id, source_id) REFERENCES sources(organization_id, id) ON DELETE CASCADE,
  constraint source_secrets_pkey PRIMARY KEY (organization_id, source_id, id)
);
alter table source_secrets enable row level security;
alter table source_secrets force row level security;

create table sources (
  organization_id uuid not null,
  id uuid not null,
  name text not null,
  provider text not null,
  scheme jsonb,
  options jsonb not null default '{}'::jsonb,
  tolerance_seconds integer,
  rate_limit_per_second double precision,
  rate_limit_burst integer,
  deduplicate boolean not null default true,
  managed_by managed_by not null,
  created_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  active boolean not null default true,
  version integer not null default 1,
  mode text not null default 'live'::text,
  search jsonb,
  trust_traceparent boolean not null default false,
  account text not null default ''::text,
  constraint sources_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
  constraint sources_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  constraint sources_organization_id_name_key UNIQUE (organization_id, name),
  constraint sources_pkey PRIMARY KEY (organization_id, id),
  constraint sources_rate_limit_burst_check CHECK ((rate_limit_burst > 0)),
  constraint sources_rate_limit_per_second_check CHECK ((rate_limit_per_second > (0)::double precision)),
  constraint sources_tolerance_seconds_check CHECK ((tolerance_seconds >= 0))
);
alter table sources enable row level security;
alter table sources force row level security;

CREATE INDEX attempts_failed ON ONLY public.attempts USING btree (organization_id, destination_id, at, event_id, number) WHERE (NOT delivered);

CREATE INDEX attempts_failed_newest ON ONLY public.attempts USING btree (organization_id, at, event_id, destination_id, number) WHERE (NOT delivered);

CREATE INDEX attempts_newest ON ONLY public.attempts USING btree (organization_id, at, event_id, destination_id, number);

CREATE INDEX attempts_of_replay ON ONLY public.attempts USING btree (organization_id, replay_id) WHERE (replay_id IS NOT NULL);

CREATE INDEX audit_logs_newest ON public.audit_logs USING btree (organization_id, at DESC, id DESC);

CREATE INDEX audit_logs_of_action ON public.audit_logs USING btree (organization_id, action, at DESC, id DESC);

CREATE INDEX deliveries_dead ON ONLY public.deliveries USING btree (organization_id, destination_id, died_at DESC, id DESC) WHERE (state = 'dead'::delivery_state);

CREATE INDEX deliveries_dead_newest ON ONLY public.deliveries USING btree (organization_id, died_at DESC, id DESC) WHERE (state = 'dead'::delivery_state);

CREATE INDEX deliveries_due ON ONLY public.deliveries USING btree (organization_id, COALESCE(next_attempt_at, received_at), id) WHERE (state = 'waiting'::delivery_state);

CREATE INDEX deliveries_ended_badly ON ONLY public.deliveries USING btree (organization_id, id) WHERE (state = ANY (ARRAY['dead'::delivery_state, 'discarded'::delivery_state]));

CREATE INDEX deliveries_id ON ONLY public.deliveries USING btree (organization_id, id);

CREATE INDEX deliveries_open ON ONLY public.deliveries USING btree (organization_id, id) WHERE (state = 'waiting'::delivery_state);

CREATE INDEX deliveries_waiting ON ONLY public.deliveries USING btree (organization_id, destination_id) WHERE (state = 'waiting'::delivery_state);

CREATE INDEX events_changed ON ONLY public.events USING btree (organization_id, change_seq, id) WHERE (change_seq IS NOT NULL);

CREATE INDEX events_failed ON ONLY public.events USING btree (organization_id, received_at DESC, id DESC) WHERE (status = 'failed'::event_status);

CREATE INDEX events_newest ON ONLY public.events USING btree (organization_id, received_at DESC, id DESC);

CREATE INDEX events_of_mode ON ONLY public.events USING btree (organization_id, mode, received_at DESC, id DESC);

CREATE INDEX held_connect_events_by_time ON public.held_connect_events USING btree (received_at);

CREATE INDEX idempotency_keys_expired ON public.idempotency_keys USING btree (expires_at);

CREATE INDEX invitations_email ON public.invitations USING btree (email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

CREATE INDEX issue_notices_untold ON public.issue_notices USING btree (at) WHERE (told_at IS NULL);

CREATE INDEX issues_newest ON public.issues USING btree (organization_id, last_seen_at, id);

CREATE INDEX issues_unresolved ON public.issues USING btree (organization_id, kind, subject_id) WHERE (state = ANY (ARRAY['open'::text, 'acknowledged'::text]));

CREATE INDEX ledger_access_incomplete ON public.ledger_access USING btree (organization_id) WHERE (mrr_incomplete <> '[]'::jsonb);

CREATE INDEX ledger_customer_personal_email ON public.ledger_customer_personal USING btree (organization_id, lower(email) text_pattern_ops);

CREATE INDEX ledger_customers_by_id ON public.ledger_customers USING btree (organization_id, id text_pattern_ops);

CREATE INDEX ledger_customers_listed ON public.ledger_customers USING btree (organization_id, COALESCE(created_ms, (0)::bigint) DESC, id DESC);

CREATE INDEX ledger_customers_reference ON public.ledger_customers USING btree (organization_id, reference);

CREATE INDEX ledger_facts_by_time ON public.ledger_facts USING btree (organization_id, mode, occurred_ms);

CREATE INDEX ledger_facts_by_weight ON public.ledger_facts USING btree (organization_id, provider, account, mode, kind, object_id, weight DESC, occurred_ms DESC, event_id, incarnation, digest);

CREATE INDEX ledger_invoices_by_id ON public.ledger_invoices USING btree (organization_id, id text_pattern_ops);

CREATE INDEX ledger_invoices_customer ON public.ledger_invoices USING btree (organization_id, customer);

CREATE INDEX ledger_invoices_listed ON public.ledger_invoices USING btree (organization_id, COALESCE(created_ms, (0)::bigint) DESC, id DESC);

CREATE INDEX ledger_invoices_subscription ON public.ledger_invoices USING btree (organization_id, subscription);

CREATE INDEX ledger_links_of ON public.ledger_links USING btree (organization_id, provider, account, mode, kind, id);

CREATE INDEX ledger_mrr_movements_by_time ON public.ledger_mrr_movements USING btree (organization_id, mode, at_ms);

CREATE INDEX ledger_objects_owned ON public.ledger_objects USING btree (organization_id, provider, account, mode, owner, kind);

CREATE INDEX ledger_outbox_due ON public.ledger_outbox USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX ledger_outbox_due_of ON public.ledger_outbox USING btree (organization_id, provider, account, mode, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX ledger_payments_by_id ON public.ledger_payments USING btree (organization_id, id text_pattern_ops);

CREATE INDEX ledger_payments_customer ON public.ledger_payments USING btree (organization_id, customer);

CREATE INDEX ledger_payments_listed ON public.ledger_payments USING btree (organization_id, COALESCE(created_ms, (0)::bigint) DESC, id DESC);

CREATE INDEX ledger_payments_owner ON public.ledger_payments USING btree (organization_id, provider, account, mode, owner);

CREATE INDEX ledger_payments_settled ON public.ledger_payments USING btree (organization_id, mode, settled_ms);

CREATE INDEX ledger_plans_by_id ON public.ledger_plans USING btree (organization_id, id text_pattern_ops);

CREATE INDEX ledger_plans_listed ON public.ledger_plans USING btree (organization_id, COALESCE(created_ms, (0)::bigint) DESC, id DESC);

CREATE INDEX ledger_products_by_id ON public.ledger_products USING btree (organization_id, id text_pattern_ops);

CREATE INDEX ledger_products_listed ON public.ledger_products USING btree (organization_id, COALESCE(created_ms, (0)::bigint) DESC, id DESC);

CREATE INDEX ledger_quarantine_age ON public.ledger_quarantine USING btree (seen_at);

CREATE INDEX ledger_quarantine_by_time ON public.ledger_quarantine USING btree (organization_id, seen_at DESC, event_id DESC);

CREATE INDEX ledger_rebuilds_listed ON public.ledger_rebuilds USING btree (organization_id, created_at DESC, id DESC);

CREATE INDEX ledger_rebuilds_open ON public.ledger_rebuilds USING btree (created_at) WHERE (state = ANY (ARRAY['pending'::text, 'running'::text]));

CREATE INDEX ledger_refunds_created ON public.ledger_refunds USING btree (organization_id, mode, created_ms);

CREATE INDEX ledger_restatements_last ON public.ledger_restatements USING btree (organization_id, last_at);

CREATE INDEX ledger_subscriptions_by_id ON public.ledger_subscriptions USING btree (organization_id, id text_pattern_ops);

CREATE INDEX ledger_subscriptions_customer ON public.ledger_subscriptions USING btree (organization_id, customer);

CREATE INDEX ledger_subscriptions_listed ON public.ledger_subscriptions USING btree (organization_id, COALESCE(created_ms, (0)::bigint) DESC, id DESC);

CREATE INDEX members_email ON public.members USING btree (email);

CREATE INDEX notices_untold ON public.notices USING btree (at) WHERE (told_at IS NULL);

CREATE INDEX objective_hours_of_hour ON public.objective_hours USING btree (hour);

CREATE INDEX organizations_owner ON public.organizations USING btree (owner_kind, owner_reference) WHERE (deleted_at IS NULL);

CREATE INDEX passkeys_email ON public.passkeys USING btree (email);

CREATE INDEX promotions_of_event ON public.promotions USING btree (organization_id, event_id);

CREATE INDEX promotions_open ON public.promotions USING btree (created_at) WHERE (done_at IS NULL);

CREATE INDEX replays_active ON public.replays USING btree (created_at) WHERE ((state = ANY (ARRAY['pending'::replay_state, 'running'::replay_state])) OR (in_hand IS NOT NULL));

CREATE INDEX replays_newest ON public.replays USING btree (organization_id, created_at DESC, id DESC);

CREATE INDEX replays_open ON public.replays USING btree (created_at) WHERE ((delivered + failed) < published);

CREATE UNIQUE INDEX api_keys_name ON public.api_keys USING btree (organization_id, name) NULLS NOT DISTINCT WHERE (revoked_at IS NULL);

CREATE UNIQUE INDEX api_keys_previous_sha256 ON public.api_keys USING btree (previous_sha256) WHERE (previous_sha256 IS NOT NULL);

CREATE UNIQUE INDEX api_keys_sha256 ON public.api_keys USING btree (sha256);

CREATE UNIQUE INDEX audit_heads_organization ON public.audit_heads USING btree (organization_id) NULLS NOT DISTINCT;

CREATE UNIQUE INDEX audit_logs_request ON public.audit_logs USING btree (organization_id, request_id, action, subject_id) NULLS NOT DISTINCT WHERE (request_id <> ''::text);

CREATE UNIQUE INDEX audit_logs_seq ON public.audit_logs USING btree (organization_id, seq) NULLS NOT DISTINCT WHERE (seq IS NOT NULL);

CREATE UNIQUE INDEX connected_accounts_of_one ON public.connected_accounts USING btree (account) WHERE (disconnected_at IS NULL);

CREATE UNIQUE INDEX idempotency_keys_key ON public.idempotency_keys USING btree (organization_id, actor_id, key) NULLS NOT DISTINCT;

CREATE UNIQUE INDEX invitations_open ON public.invitations USING btree (organization_id, email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

CREATE UNIQUE INDEX invitations_token ON public.invitations USING btree (token_sha256);

CREATE UNIQUE INDEX organizations_slug ON public.organizations USING btree (slug) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX replays_request ON public.replays USING btree (organization_id, request_id);

create policy organization on api_keys for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on attempts for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))))
  with check ((in_scope(organization_id) AND in_mode(mode)));

create policy organization on audit_heads for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy add on audit_logs for insert
  with check (in_scope(organization_id));

create policy look on audit_logs for select
  using (in_scope(organization_id));

create policy organization on connected_accounts for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on deliveries for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))))
  with check ((in_scope(organization_id) AND in_mode(mode)));

create policy organization on destination_auths for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on destination_headers for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on destination_health for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on destination_pauses for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on destinations for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on event_values for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))))
  with check ((in_scope(organization_id) AND in_mode(mode)));

create policy organization on events for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))))
  with check ((in_scope(organization_id) AND in_mode(mode)));

create policy platform on held_connect_events for all
  using (in_platform_scope())
  with check (in_platform_scope());

create policy organization on idempotency_keys for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy platform on identities for all
  using (in_platform_scope())
  with check (in_platform_scope());

create policy organization on invitations for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on issue_hours for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on issue_notices for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on issues for all
  using ((in_scope(organization_id) AND in_mode(mode)))
  with check ((in_scope(organization_id) AND in_mode(mode)));

create policy organization on ledger_access for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_credit_notes for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_customer_personal for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_customers for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_disputes for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_fact_personal for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_facts for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_hydration_keys for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on ledger_invoice_lines for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_invoices for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_links for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_mrr_movements for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_objects for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_outbox for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_payments for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_plans for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_products for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_quarantine for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_rate_settings for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on ledger_rebuilds for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on ledger_redactions for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_refunds for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_restatements for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_subscription_items for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_subscriptions for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on ledger_transitions for all
  using (((( SELECT in_platform_scope() AS in_platform_scope) OR (organization_id = ( SELECT scope_organization() AS scope_organization))) AND ((( SELECT scope_mode() AS scope_mode) IS NULL) OR (mode = ( SELECT scope_mode() AS scope_mode)))));

create policy organization on members for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on monthly_usage for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on notices for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on notification_settings for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on objective_hours for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on organizations for all
  using (in_scope(id))
  with check (in_scope(id));

create policy platform on passkeys for all
  using (in_platform_scope())
  with check (in_platform_scope());

create policy platform on passwords for all
  using (in_platform_scope())
  with check (in_platform_scope());

create policy platform on probe_reports for all
  using (in_platform_scope())
  with check (in_platform_scope());

create policy platform on projection_positions for all
  using (in_platform_scope())
  with check (in_platform_scope());

create policy organization on promotions for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on replays for all
  using ((in_scope(organization_id) AND in_mode(COALESCE(mode, 'live'::text))))
  with check ((in_scope(organization_id) AND in_mode(COALESCE(mode, 'live'::text))));

create policy organization on retry_items for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on rollup_types for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on rollups for all
  using ((in_scope(organization_id) AND in_mode(
CASE
    WHEN (dimension ~~ 'test\_%'::text) THEN 'test'::text
    ELSE 'live'::text
END)))
  with check ((in_scope(organization_id) AND in_mode(
CASE
    WHEN (dimension ~~ 'test\_%'::text) THEN 'test'::text
    ELSE 'live'::text
END)));

create policy organization on routes for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on signing_secrets for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on source_activity for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on source_counts for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on source_secrets for all
  using (in_scope(organization_id))
  with check (in_scope(organization_id));

create policy organization on sources for all
  using ((in_scope(organization_id) AND in_mode(mode)))
  with check ((in_scope(organization_id) AND in_mode(mode)));
