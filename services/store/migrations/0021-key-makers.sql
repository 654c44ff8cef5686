-- The member who made a key: removed, that member's keys are revoked, since their text is known to somebody who has no
-- business here any more. Null: nobody who can be removed. Keys of before have none.
alter table api_keys add column made_by uuid;
