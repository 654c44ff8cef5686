-- Webhooks judged by the objectives that an organization declares, by the hour in which the log counted them. What an objective
-- excludes is not counted.
create table objective_hours (
  organization_id uuid not null,
  objective text not null check (objective in ('freshness', 'delivery')),
  hour timestamptz not null,
  good bigint not null,
  bad bigint not null,
  primary key (organization_id, objective, hour)
);
call protect('objective_hours');
-- The store reads the newest hours of all organizations each minute.
create index objective_hours_of_hour on objective_hours (hour);
