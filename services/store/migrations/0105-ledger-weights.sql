-- Of an object with more facts than are folded, those are that count most (packages/ledger/weight.ts). Facts from before count as those
-- that may change a row.
alter table ledger_facts
  add column weight smallint not null default 1,
  -- Of before and after, as JSON.
  add column bytes integer not null default 1024;
