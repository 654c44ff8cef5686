-- Every new entry has its place in its organization's chain: code that writes around the chain is refused here. Entries
-- from before the chain have no place, so rows that are there already are not checked.
alter table audit_logs
  add constraint audit_logs_chained
  check (seq is not null and before_sha256 is not null and sha256 is not null) not valid;
