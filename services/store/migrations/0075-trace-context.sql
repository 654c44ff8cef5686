-- Whether a trace that a source's sender tells is linked to, and whether a destination is told of ours.
alter table sources add column trust_traceparent boolean not null default false;
alter table destinations add column trace_context text not null default 'w3c' check (trace_context in ('w3c', 'none'));

-- A version grows with these too, and once for each change, whatever else changes.
create trigger next_version_of_tracing before update of trust_traceparent on sources
  for each row when (old.trust_traceparent <> new.trust_traceparent and old.version = new.version)
  execute function next_version();
create trigger next_version_of_tracing before update of trace_context on destinations
  for each row when (old.trace_context <> new.trace_context and old.version = new.version)
  execute function next_version();
