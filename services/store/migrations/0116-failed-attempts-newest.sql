-- concurrently
-- Attempts that failed, newest first, of all destinations: without it a page reads attempts that were delivered until it has fifty others.
create index attempts_failed_newest on attempts (organization_id, at, event_id, destination_id, number) where not delivered;
