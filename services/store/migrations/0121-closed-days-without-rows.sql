-- Statement triggers of closed days come for each statement, also where it changed no row: an insert that updates on conflict has two. What they
-- add up is planned anew each time, so that they look first whether there is a row.

create or replace function note_restatement() returns trigger language plpgsql as $$
declare
  changed text := case tg_op
    when 'INSERT' then 'select 1 as sign, * from new_rows'
    when 'DELETE' then 'select -1 as sign, * from old_rows'
    else 'select 1 as sign, * from new_rows union all select -1, * from old_rows' end;
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  case tg_op
    when 'DELETE' then if not exists (select from old_rows) then return null; end if;
    else if not exists (select from new_rows) then return null; end if;
  end case;
  execute format(
    'insert into ledger_restatements as r (organization_id, mode, day, currency, mrr, paid, refunded, lost)
     select * from (
       select organization_id, mode, (to_timestamp(%1$s / 1000.0) at time zone ''UTC'')::date as day, currency,
         sum(sign * %2$s)::bigint as mrr, sum(sign * %3$s)::bigint as paid, sum(sign * %4$s)::bigint as refunded,
         sum(sign * %5$s)::bigint as lost
       from (%6$s) c
       where currency is not null
         and %1$s < (extract(epoch from date_trunc(''day'', now() - interval ''24 hours'', ''UTC'')) * 1000)::bigint
       group by 1, 2, 3, 4
     ) s where mrr <> 0 or paid <> 0 or refunded <> 0 or lost <> 0
     on conflict (organization_id, mode, day, currency) do update set mrr = r.mrr + excluded.mrr,
       paid = r.paid + excluded.paid, refunded = r.refunded + excluded.refunded, lost = r.lost + excluded.lost,
       last_at = excluded.last_at',
    tg_argv[0], tg_argv[1], tg_argv[2], tg_argv[3], tg_argv[4], changed);
  return null;
end
$$;

create or replace function note_restated_reversals() returns trigger language plpgsql as $$
declare
  changed text := case tg_op
    when 'INSERT' then 'select 1 as sign, * from new_rows'
    when 'DELETE' then 'select -1 as sign, * from old_rows'
    else 'select 1 as sign, * from new_rows union all select -1, * from old_rows' end;
begin
  if current_setting('fairlead.ledger_rebuild', true) = 'on' then return null; end if;
  case tg_op
    when 'DELETE' then if not exists (select from old_rows) then return null; end if;
    else if not exists (select from new_rows) then return null; end if;
  end case;
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
