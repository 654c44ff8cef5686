-- Rows that are computed from facts, and from nothing else: no default, clock, sequence or foreign key has a part in them, so that a
-- rebuild gives the same rows byte by byte. Amounts are whole minor units (bigint) of the row's currency; times are the
-- provider's, in milliseconds since 1970. Each key has provider, account and mode.

-- The state of every object, of every kind: what projections are made of. Its typed form, where people list the kind, is a table below.
create table ledger_objects (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  kind text not null,
  id text not null,
  incarnation text not null,
  known boolean not null,
  -- What its rows are projected with: `customer:<id>`, or the object at the end of its links where no customer is known.
  owner text not null,
  fields jsonb not null,
  primary key (organization_id, provider, account, mode, kind, id, incarnation)
);
call protect_ledger('ledger_objects');
create index ledger_objects_owner on ledger_objects (organization_id, provider, account, mode, owner);

-- The objects that an object names as those that it belongs to, and the plans that a subscription has or had: found from above.
create table ledger_links (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  parent_kind text not null,
  parent_id text not null,
  kind text not null,
  id text not null,
  primary key (organization_id, provider, account, mode, parent_kind, parent_id, kind, id)
);
call protect_ledger('ledger_links');
create index ledger_links_of on ledger_links (organization_id, provider, account, mode, kind, id);

create table ledger_products (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  incarnation text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  created_ms bigint,
  name text,
  active boolean,
  default_plan text,
  deleted boolean,
  primary key (organization_id, provider, account, mode, id, incarnation)
);
call protect_ledger('ledger_products');

create table ledger_plans (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  incarnation text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  created_ms bigint,
  product text,
  active boolean,
  nickname text,
  lookup_key text,
  currency text check (length(currency) = 3),
  -- The one amount with decimals: minor units of one unit for one interval.
  unit_amount numeric(30, 12),
  scheme text,
  usage text,
  "interval" text,
  interval_count integer,
  trial_days integer,
  tax text,
  transform jsonb,
  deleted boolean,
  primary key (organization_id, provider, account, mode, id, incarnation)
);
call protect_ledger('ledger_plans');

-- Without personal data.
create table ledger_customers (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  created_ms bigint,
  reference text,
  currency text check (length(currency) = 3),
  balance bigint,
  delinquent boolean,
  deleted boolean,
  redacted boolean,
  primary key (organization_id, provider, account, mode, id)
);
call protect_ledger('ledger_customers');
create index ledger_customers_reference on ledger_customers (organization_id, reference);

-- The one computed table with personal data.
create table ledger_customer_personal (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  customer text not null,
  email text,
  name text,
  phone text,
  country text,
  redacted boolean not null,
  primary key (organization_id, provider, account, mode, customer)
);
call protect_ledger('ledger_customer_personal');
create index ledger_customer_personal_email on ledger_customer_personal (organization_id, lower(email) text_pattern_ops);

create table ledger_subscriptions (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  customer text,
  status text,
  provider_status text,
  created_ms bigint,
  start_ms bigint,
  trial_start_ms bigint,
  trial_end_ms bigint,
  cancel_ms bigint,
  cancel_at_period_end boolean,
  canceled_ms bigint,
  ended_ms bigint,
  period_start_ms bigint,
  period_end_ms bigint,
  collection text,
  pause jsonb,
  latest_invoice text,
  currency text check (length(currency) = 3),
  reference text,
  discounts jsonb,
  primary key (organization_id, provider, account, mode, id)
);
call protect_ledger('ledger_subscriptions');
create index ledger_subscriptions_customer on ledger_subscriptions (organization_id, customer);

create table ledger_subscription_items (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  subscription text not null,
  id text not null,
  plan text,
  quantity bigint,
  period_start_ms bigint,
  period_end_ms bigint,
  discounts jsonb,
  inline jsonb,
  primary key (organization_id, provider, account, mode, subscription, id)
);
call protect_ledger('ledger_subscription_items');

-- Every change of an object, in the object's own order.
create table ledger_transitions (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  kind text not null,
  id text not null,
  incarnation text not null,
  "position" integer not null,
  at_ms bigint not null,
  event_id text not null,
  type text not null,
  changes jsonb not null,
  "from" jsonb,
  "to" jsonb not null,
  legal boolean not null,
  gap boolean not null,
  primary key (organization_id, provider, account, mode, kind, id, incarnation, "position")
);
call protect_ledger('ledger_transitions');

create table ledger_invoices (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  customer text,
  subscription text,
  number text,
  status text,
  reason text,
  currency text check (length(currency) = 3),
  subtotal bigint,
  discount bigint,
  tax bigint,
  total bigint,
  amount_due bigint,
  amount_paid bigint,
  amount_remaining bigint,
  attempt_count integer,
  next_attempt_ms bigint,
  due_ms bigint,
  created_ms bigint,
  finalized_ms bigint,
  paid_ms bigint,
  voided_ms bigint,
  uncollectible_ms bigint,
  period_start_ms bigint,
  period_end_ms bigint,
  deleted boolean,
  primary key (organization_id, provider, account, mode, id)
);
call protect_ledger('ledger_invoices');
create index ledger_invoices_customer on ledger_invoices (organization_id, customer);
create index ledger_invoices_subscription on ledger_invoices (organization_id, subscription);

create table ledger_invoice_lines (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  invoice text not null,
  id text not null,
  plan text,
  subscription text,
  subscription_item text,
  quantity bigint,
  amount bigint not null,
  currency text not null check (length(currency) = 3),
  proration boolean not null,
  period_start_ms bigint,
  period_end_ms bigint,
  tax bigint not null,
  discount bigint not null,
  primary key (organization_id, provider, account, mode, invoice, id)
);
call protect_ledger('ledger_invoice_lines');

-- Money taken once, with all that became of it: projected from intents, charges, refunds, disputes and orders.
create table ledger_payments (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  kind text not null,
  owner text not null,
  known boolean not null,
  customer text,
  invoice text,
  subscription text,
  amount bigint,
  captured bigint not null,
  refunded bigint not null,
  disputed_open bigint not null,
  disputed_lost bigint not null,
  currency text check (length(currency) = 3),
  status text not null,
  failure_code text,
  method text,
  attempts integer not null,
  created_ms bigint,
  settled_ms bigint,
  -- A charge may name an intent of another customer: both customers then have a payment of its id.
  primary key (organization_id, provider, account, mode, id, owner)
);
call protect_ledger('ledger_payments');
create index ledger_payments_owner on ledger_payments (organization_id, provider, account, mode, owner);
create index ledger_payments_customer on ledger_payments (organization_id, customer);
create index ledger_payments_settled on ledger_payments (organization_id, mode, settled_ms);

create table ledger_refunds (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  charge text,
  payment_intent text,
  "order" text,
  amount bigint,
  currency text check (length(currency) = 3),
  status text,
  reason text,
  failure_reason text,
  created_ms bigint,
  primary key (organization_id, provider, account, mode, id)
);
call protect_ledger('ledger_refunds');
create index ledger_refunds_created on ledger_refunds (organization_id, mode, created_ms);

create table ledger_disputes (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  charge text,
  payment_intent text,
  "order" text,
  amount bigint,
  currency text check (length(currency) = 3),
  status text,
  provider_status text,
  reason text,
  created_ms bigint,
  evidence_due_ms bigint,
  primary key (organization_id, provider, account, mode, id)
);
call protect_ledger('ledger_disputes');

create table ledger_credit_notes (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  id text not null,
  known boolean not null,
  stale boolean not null,
  complete boolean not null,
  gaps integer not null,
  anomalies jsonb not null,
  first_seen_ms bigint,
  updated_ms bigint,
  head_event_id text,
  deleted_ms bigint,
  invoice text,
  customer text,
  number text,
  amount bigint,
  currency text check (length(currency) = 3),
  status text,
  reason text,
  created_ms bigint,
  voided_ms bigint,
  primary key (organization_id, provider, account, mode, id)
);
call protect_ledger('ledger_credit_notes');

-- What a customer may use by which subscription, read by key: whether a grant holds is decided when it is read.
create table ledger_access (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  customer text not null,
  grants jsonb not null,
  complete boolean not null,
  -- Subscriptions whose recurring revenue can't be told for some time.
  mrr_incomplete jsonb not null,
  primary key (organization_id, customer, provider, account, mode)
);
call protect_ledger('ledger_access');

-- Each change of a customer's monthly recurring revenue in a currency; the sum of `after` - `before` is the revenue.
create table ledger_mrr_movements (
  organization_id uuid not null,
  provider text not null,
  account text not null,
  mode text not null check (mode in ('live', 'test')),
  customer text not null,
  currency text not null check (length(currency) = 3),
  at_ms bigint not null,
  "position" integer not null,
  kind text not null check (kind in ('new', 'reactivation', 'expansion', 'contraction', 'churn')),
  amount bigint not null check (amount > 0),
  before bigint not null,
  after bigint not null,
  event_id text not null,
  subscription text not null,
  primary key (organization_id, provider, account, mode, customer, currency, at_ms, "position")
);
call protect_ledger('ledger_mrr_movements');
create index ledger_mrr_movements_by_time on ledger_mrr_movements (organization_id, mode, at_ms);

-- Lists, newest first, and rows by the provider's id alone.
create index ledger_products_listed on ledger_products (organization_id, (coalesce(created_ms, 0)) desc, id desc);
create index ledger_plans_listed on ledger_plans (organization_id, (coalesce(created_ms, 0)) desc, id desc);
create index ledger_customers_listed on ledger_customers (organization_id, (coalesce(created_ms, 0)) desc, id desc);
create index ledger_subscriptions_listed on ledger_subscriptions (organization_id, (coalesce(created_ms, 0)) desc, id desc);
create index ledger_invoices_listed on ledger_invoices (organization_id, (coalesce(created_ms, 0)) desc, id desc);
create index ledger_payments_listed on ledger_payments (organization_id, (coalesce(created_ms, 0)) desc, id desc);
create index ledger_products_by_id on ledger_products (organization_id, id text_pattern_ops);
create index ledger_plans_by_id on ledger_plans (organization_id, id text_pattern_ops);
create index ledger_customers_by_id on ledger_customers (organization_id, id text_pattern_ops);
create index ledger_subscriptions_by_id on ledger_subscriptions (organization_id, id text_pattern_ops);
create index ledger_invoices_by_id on ledger_invoices (organization_id, id text_pattern_ops);
create index ledger_payments_by_id on ledger_payments (organization_id, id text_pattern_ops);
create index ledger_access_incomplete on ledger_access (organization_id) where mrr_incomplete <> '[]';
