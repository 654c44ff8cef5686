-- An organization's part of what organizations share under load, to those of others.
alter table organizations add column weight smallint not null default 1 check (weight between 1 and 100);
