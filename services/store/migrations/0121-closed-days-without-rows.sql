-- Statement triggers of closed days come for each statement, also where it changed no row: an insert that updates on conflict has two. They look
-- first whether there is a row; and what they add up is text of functions of their own for each table, so that its plan is kept.

-- In the order in which facts are written: a writer that has one of these tables and waits for the next is waited for, and not met half-way.
lock table ledger_refunds, ledger_disputes, ledger_mrr_movements, ledger_payments in access exclusive mode;

-- Arguments: the time of a row in ms, and its amounts of recurring revenue, payments, refunds and lost disputes, as SQL of a row `c`.
create or replace procedure watch_closed_days(watched regclass, at_ms text, mrr text, paid text, refunded text, lost text)
  language plpgsql
as $procedure$
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
$procedure$;

-- The statement that makes a trigger's function. A rebuild writes all rows anew and compares the days itself.
create function note_by(name text, add_up text) returns text language sql as $sql$
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
$sql$;

call watch_closed_days('ledger_mrr_movements', 'at_ms', '(after - before)', '0', '0', '0');
call watch_closed_days('ledger_payments', 'settled_ms', '0', 'coalesce(captured, 0)', '0',
  '(case when status = ''reversed'' then disputed_lost - coalesce((
     select sum(d.amount) from ledger_disputes d
     where d.organization_id = c.organization_id and d.provider = c.provider and d.account = c.account and d.mode = c.mode
       and d.charge = c.id and d.currency = c.currency and d.status = ''lost''), 0) else 0 end)');
call watch_closed_days('ledger_refunds', 'created_ms', '0', '0',
  '(case when status in (''failed'', ''canceled'') then 0 else coalesce(amount, 0) end)', '0');
call watch_closed_days('ledger_disputes', 'created_ms', '0', '0', '0',
  '(case when status = ''lost'' then coalesce(amount, 0) else 0 end)');
drop function note_restatement();

-- Takes what a statement changed of lost disputes from what their reversed payments lost, on the days of the payments.
drop trigger reversals_insert on ledger_disputes;
drop trigger reversals_delete on ledger_disputes;
drop trigger reversals_update on ledger_disputes;
drop function note_restated_reversals();
do $$
begin
  execute note_by('note_restated_reversals',
    'insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select p.organization_id, p.mode, (to_timestamp(p.settled_ms / 1000.0) at time zone ''UTC'')::date as day, p.currency,
         0 as mrr, 0 as paid, 0 as refunded, -sum(c.sign * c.amount)::bigint as lost
       from (changed_rows) c join ledger_payments p on p.organization_id = c.organization_id and p.provider = c.provider
         and p.account = c.account and p.mode = c.mode and p.id = c.charge and p.currency = c.currency
       where c.status = ''lost'' and p.status = ''reversed''
         and p.settled_ms < (extract(epoch from date_trunc(''day'', now() - interval ''24 hours'', ''UTC'')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where lost <> 0
     on conflict (organization_id, mode, day, currency) do update set lost = r.lost + excluded.lost, last_at = excluded.last_at');
end
$$;
create trigger reversals_insert after insert on ledger_disputes referencing new table as new_rows
  for each statement execute function note_restated_reversals();
create trigger reversals_delete after delete on ledger_disputes referencing old table as old_rows
  for each statement execute function note_restated_reversals();
create trigger reversals_update after update on ledger_disputes referencing old table as old_rows new table as new_rows
  for each statement execute function note_restated_reversals();
