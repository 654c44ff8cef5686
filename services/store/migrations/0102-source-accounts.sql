-- The provider's own account whose events a source receives, by which the ledger keeps them apart; empty: none is declared.
alter table sources add column account text not null default '';

-- A version grows with it too, and once for each change, whatever else changes.
create trigger next_version_of_account before update of account on sources
  for each row when (old.account <> new.account and old.version = new.version)
  execute function next_version();
