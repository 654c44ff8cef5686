-- concurrently
-- Dead letters of an organization, those that died last first: without it a page reads all of them and sorts them.
create index deliveries_dead_newest on deliveries (organization_id, died_at desc, id desc) where state = 'dead';
