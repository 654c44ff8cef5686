-- Whether the sums of a payment leave something out. A store of the version before writes payments without it.
alter table ledger_payments add column complete boolean not null default true;
