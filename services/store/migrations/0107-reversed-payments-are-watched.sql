-- What a reversed payment loses beyond its lost disputes counts on the day of the payment (services/store/ledger/figures.ts): closed days are
-- watched for that as well. The loss is of two tables, and each statement writes one: triggers of both add what it changed.
drop trigger restated_insert on ledger_payments;
drop trigger restated_update on ledger_payments;
drop trigger restated_delete on ledger_payments;
call watch_closed_days('ledger_payments', 'settled_ms', '0', 'coalesce(captured, 0)', '0',
  '(case when status = ''reversed'' then disputed_lost - coalesce((
     select sum(d.amount) from ledger_disputes d
     where d.organization_id = c.organization_id and d.provider = c.provider and d.account = c.account and d.mode = c.mode
       and d.charge = c.id and d.currency = c.currency and d.status = ''lost''), 0) else 0 end)');

-- Takes what a statement changed of lost disputes from what their reversed payments lost, on the days of the payments.
create function note_restated_reversals() returns trigger language plpgsql as $$
declare
  changed text := case tg_op
    when 'INSERT' then 'select 1 as sign, * from new_rows'
    when 'DELETE' then 'select -1 as sign, * from old_rows'
    else 'select 1 as sign, * from new_rows union all select -1, * from old_rows' end;
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  execute format(
    'insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select p.organization_id, p.mode, (to_timestamp(p.settled_ms / 1000.0) at time zone ''UTC'')::date as day, p.currency,
         0 as mrr, 0 as paid, 0 as refunded, -sum(c.sign * c.amount)::bigint as lost
       from (%s) c join ledger_payments p on p.organization_id = c.organization_id and p.provider = c.provider
         and p.account = c.account and p.mode = c.mode and p.id = c.charge and p.currency = c.currency
       where c.status = ''lost'' and p.status = ''reversed''
         and p.settled_ms < (extract(epoch from date_trunc(''day'', now() - interval ''24 hours'', ''UTC'')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where lost <> 0
     on conflict (organization_id, mode, day, currency) do update set lost = r.lost + excluded.lost, last_at = excluded.last_at',
    changed);
  return null;
end
$$;

create trigger reversals_insert after insert on ledger_disputes referencing new table as new_rows
  for each statement execute function note_restated_reversals();
create trigger reversals_delete after delete on ledger_disputes referencing old table as old_rows
  for each statement execute function note_restated_reversals();
create trigger reversals_update after update on ledger_disputes referencing old table as old_rows new table as new_rows
  for each statement execute function note_restated_reversals();
