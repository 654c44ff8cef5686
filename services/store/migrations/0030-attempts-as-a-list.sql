-- `exchange_seq`: the message of ATTEMPTS that has what was sent and answered, as long as that stream keeps it; null: there
-- is none.
alter table attempts add column exchange_seq bigint;

-- Attempts of an organization by time, and those that failed by destination as well.
create index attempts_newest on attempts (organization_id, at, event_id, destination_id, number);
create index attempts_failed on attempts (organization_id, destination_id, at, event_id, number) where not delivered;

-- A delivery is found by its id, also when it was delivered.
create index deliveries_id on deliveries (organization_id, id);
