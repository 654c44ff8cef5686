-- Destinations that are no address, what destinations ask for to let a delivery in, and order by key.

alter table destinations
  add column kind text not null default 'http' check (kind in ('http', 'nats', 'processor')),
  -- Of the kind processor: its name.
  add column processor text not null default '',
  add constraint destinations_url check ((kind = 'http') = (url <> ''));

-- The JSON of packages/wire/destination-auth.ts, sealed as a whole; one row a destination, with the id `auth`.
create table destination_auths (
  organization_id uuid not null,
  destination_id uuid not null,
  id text not null,
  position integer not null,
  -- As packages/wire/seal.ts writes it.
  sealed text not null,
  primary key (organization_id, destination_id, id),
  foreign key (organization_id, destination_id) references destinations on delete cascade
);
call protect('destination_auths');

-- As in packages/wire/config.ts; null: no order.
alter table routes add column order_by jsonb;
