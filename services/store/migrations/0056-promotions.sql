-- Rejections that were promoted, or repeats that were taken in: written with the entry in the audit log, and carried out after it.
-- Their bodies are in REJECTIONS, and go from there when the event is stored.
create table promotions (
  organization_id uuid not null,
  -- Its sequence in REJECTIONS, and when the request was received: a stream that is made anew counts from 1 again.
  rejection bigint not null,
  received_at timestamptz not null,
  event_id uuid not null,
  -- The source's name.
  source text not null,
  -- The event's fields that follow from verifying it: source id, type, secret. Neither headers nor body.
  facts jsonb not null,
  created_at timestamptz not null,
  -- The event is stored, and the rejection's record erased.
  done_at timestamptz,
  primary key (organization_id, rejection, received_at)
);
call protect('promotions');
create index promotions_open on promotions (created_at) where done_at is null;
create index promotions_of_event on promotions (organization_id, event_id);
