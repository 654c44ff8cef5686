-- `change_seq`: the batch of the projection that wrote the event last. One projector writes, and its batches are committed
-- in this order, so whoever has read up to a number has missed nothing before it.
create sequence log_changes;
alter table events add column change_seq bigint;
create index events_changed on events (organization_id, change_seq, id) where change_seq is not null;
