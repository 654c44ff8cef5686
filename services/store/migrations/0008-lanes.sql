-- How a destination's lane stood after its last attempt: null is well. See @fairlead/wire/attempt.
alter table destination_health add column lane text check (lane in ('throttled', 'broken'));
