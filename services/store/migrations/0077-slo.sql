-- The objectives that an Organization declares for itself: {"freshness": {"target": 0.99, "withinSeconds": 5}, "delivery": …};
-- null: none.
alter table organizations add column slo jsonb;
