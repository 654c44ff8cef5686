-- Exchange rates that an organization entered, by which its figures are converted where that is asked for.
create table ledger_rate_settings (
  organization_id uuid primary key references organizations (id) on delete cascade,
  -- [{from, to, day, rate}], by these.
  rates jsonb not null,
  version integer not null default 1,
  updated_at timestamptz not null default now()
);
call protect('ledger_rate_settings');

-- By how much the figures of a day (UTC) differ from those that it was closed with: a day is closed 24 hours after it ended. Late
-- facts add to it; they never change a closed figure without a trace.
create table ledger_restatements (
  organization_id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  day date not null,
  currency text not null,
  mrr bigint not null,
  paid bigint not null,
  refunded bigint not null,
  lost bigint not null,
  first_at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  primary key (organization_id, mode, day, currency)
);
call protect_ledger('ledger_restatements');
create index ledger_restatements_last on ledger_restatements (organization_id, last_at);

-- Adds what a statement changed of closed days. A rebuild writes all rows anew and compares the days itself.
-- Arguments: the time of a row in ms, and its amounts of recurring revenue, payments, refunds and lost disputes, as SQL.
create function note_restatement() returns trigger language plpgsql as $$
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

create procedure watch_closed_days(watched regclass, at_ms text, mrr text, paid text, refunded text, lost text)
  language plpgsql
as $$
begin
  execute format(
    'create trigger restated_insert after insert on %1$s referencing new table as new_rows
       for each statement execute function note_restatement(%2$L, %3$L, %4$L, %5$L, %6$L)',
    watched, at_ms, mrr, paid, refunded, lost);
  execute format(
    'create trigger restated_delete after delete on %1$s referencing old table as old_rows
       for each statement execute function note_restatement(%2$L, %3$L, %4$L, %5$L, %6$L)',
    watched, at_ms, mrr, paid, refunded, lost);
  execute format(
    'create trigger restated_update after update on %1$s referencing old table as old_rows new table as new_rows
       for each statement execute function note_restatement(%2$L, %3$L, %4$L, %5$L, %6$L)',
    watched, at_ms, mrr, paid, refunded, lost);
end
$$;

call watch_closed_days('ledger_mrr_movements', 'at_ms', '(after - before)', '0', '0', '0');
call watch_closed_days('ledger_payments', 'settled_ms', '0', 'coalesce(captured, 0)', '0', '0');
call watch_closed_days('ledger_refunds', 'created_ms', '0', '0',
  '(case when status in (''failed'', ''canceled'') then 0 else coalesce(amount, 0) end)', '0');
call watch_closed_days('ledger_disputes', 'created_ms', '0', '0', '0',
  '(case when status = ''lost'' then coalesce(amount, 0) else 0 end)');
