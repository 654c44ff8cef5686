-- concurrently
-- Entries of one action, newest first: without it a page of an action that is rare reads the whole log of an organization.
create index audit_logs_of_action on audit_logs (organization_id, action, at desc, id desc);
