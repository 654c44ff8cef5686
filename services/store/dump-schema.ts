import { Client } from 'pg'

/**
 * The schema as text, from the catalog: the same for the same schema, whatever made it. `schema.sql` is kept beside
 * the migrations so that a change of the schema can be read as a difference, and a test compares it. (pg_dump is
 * not installed everywhere, and its output differs by version.) Partitions for days of the log are left out.
 */
export async function dumpSchema(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const parts: string[] = []
    for (const query of [enums, functions, tables, indexes, policies]) {
      const { rows } = await client.query<{ text: string }>(query)
      parts.push(...rows.map(row => row.text))
    }
    return `${parts.join('\n\n')}\n`
  } finally {
    await client.end()
  }
}

const enums = `
  select format(E'create type %s as enum (%s);', typname,
    string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)) as text
  from pg_type join pg_enum on enumtypid = pg_type.oid
  where typnamespace = 'public'::regnamespace
  group by typname order by typname`

const functions = `
  select case prokind
    when 'a' then format('create aggregate %s(%s);', proname, pg_get_function_arguments(oid))
    else pg_get_functiondef(oid) || ';' end as text
  from pg_proc where pronamespace = 'public'::regnamespace order by proname, oid`

const tables = `
  select format(E'create table %s (\\n%s\\n)%s;%s%s', relname,
    (select string_agg(line, E',\\n' order by kind, place, line) from (
      select 1 as kind, attnum as place, format('  %s %s%s%s', attname, format_type(atttypid, atttypmod),
        case when attnotnull then ' not null' end,
        ' default ' || pg_get_expr(adbin, adrelid)) as line
      from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = c.oid and attnum > 0 and not attisdropped
      union all
      select 2, 0, format('  constraint %s %s', conname, pg_get_constraintdef(oid))
      from pg_constraint where conrelid = c.oid and contype <> 'n') as lines),
    ' partition by ' || pg_get_partkeydef(c.oid),
    case when relrowsecurity then E'\\nalter table ' || relname || ' enable row level security;' end,
    case when relforcerowsecurity then E'\\nalter table ' || relname || ' force row level security;' end) as text
  from pg_class c
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
  order by relname`

const indexes = `
  select pg_get_indexdef(indexrelid) || ';' as text
  from pg_index join pg_class c on c.oid = indrelid
  where relnamespace = 'public'::regnamespace and not relispartition
    and not exists (select from pg_constraint where conindid = indexrelid)
  order by 1`

const policies = `
  select format('create policy %s on %s for %s', policyname, tablename, lower(cmd))
    || coalesce(E'\\n  using (' || qual || ')', '') || coalesce(E'\\n  with check (' || with_check || ')', '')
    || ';' as text
  from pg_policies where schemaname = 'public' order by tablename, policyname`
