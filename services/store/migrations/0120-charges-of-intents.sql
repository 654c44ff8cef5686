-- A charge may name no intent whose payment it is all the same: the intent names it. Payments are computed one by one, from what hangs together
-- by links, so that this is a link too.
set local fairlead.scope = 'platform';
insert into ledger_links (organization_id, provider, account, mode, parent_kind, parent_id, kind, id)
select organization_id, provider, account, mode, 'charge', fields->>'latestCharge', 'payment_intent', id
from ledger_objects where kind = 'payment_intent' and fields->>'latestCharge' is not null
on conflict do nothing;
set local fairlead.scope = '';
