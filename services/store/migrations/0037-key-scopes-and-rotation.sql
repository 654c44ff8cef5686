-- Scopes narrow the role of a key; none: all that its role may do.
alter table api_keys
  add column scopes text[] not null default '{}',
  add column last_used_from text not null default '',
  -- The secret of before a rotation, good until then.
  add column previous_sha256 bytea check (length(previous_sha256) = 32),
  add column previous_prefix text,
  add column previous_until timestamptz,
  add column previous_last_used_at timestamptz,
  add constraint api_keys_previous check (
    (previous_sha256 is null) = (previous_until is null) and (previous_sha256 is null) = (previous_prefix is null));
create unique index api_keys_previous_sha256 on api_keys (previous_sha256) where previous_sha256 is not null;
