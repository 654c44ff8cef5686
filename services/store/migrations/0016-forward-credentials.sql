-- Whether a destination also gets the credential by which an event's source is verified.
alter table destinations add column forward_credentials boolean not null default false;
