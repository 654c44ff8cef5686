-- Whoever carries Replays out (services/store/replay/run.ts) is told of one that can go on, and need not ask again and again.
create function tell_replay() returns trigger language plpgsql as $$
begin
  perform pg_notify('fairlead_replays', '');
  return null;
end
$$;

create trigger tell_new after insert on replays
  for each row when (new.state = 'pending')
  execute function tell_replay();
create trigger tell_resumed after update of state on replays
  for each row when (old.state <> new.state and new.state in ('pending', 'running'))
  execute function tell_replay();
