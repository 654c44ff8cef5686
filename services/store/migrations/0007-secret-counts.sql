-- How many events each secret of a source verified, so that a rotation can be ended when the old one's count stands
-- still. Counted with the events, in one transaction with the log's position; what came before this column isn't in it.
alter table source_activity add column matched bigint not null default 0;
