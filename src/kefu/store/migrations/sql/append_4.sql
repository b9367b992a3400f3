-- The group commit (contract section 4, promises 1, 3 and 6). One call is one transaction.
--
-- A column of the drafts comes as one text: p_count values with U+001F between them, because arrays cost the caller several
-- times as much. A value that holds U+001F itself makes the counts differ and fails the call; alone in a batch, nothing is
-- split. `p_metadata` is null where no draft has any, and a value of it is empty where its draft has none.
--
-- Two statements, because the second one's snapshot must be younger than the locks that the first one takes: a retry
-- that comes through another node while the first commit is open has to see what that commit wrote.
--
-- The one row that comes back has a `seq` for each draft, in order, and when they were stored, in milliseconds since 1970.
-- Drafts that were not simply stored are named by their position, from 1, each with its outcome (duplicate: seq, id and
-- time are those of the first; closed; missing; stored, where it reopened the conversation); null where there are none.
--
-- A batch of one, which is what a server that is not busy has, goes a short way: three small plans start several times
-- faster than the large one. Whatever is odd about it (a repeat, closed, missing) is left to the long way.
--
-- The function of the same name that takes arrays serves servers of before, while an upgrade goes from node to node.
create or replace function append_messages(
  p_count int, p_conversation text, p_sender_type text, p_sender text, p_client text,
  p_id text, p_body text, p_preview text, p_metadata text, p_reopen interval
)
returns table (
  stored_at bigint, seqs int[], odd int[], outcomes text[], ids text[], times bigint[], reopened boolean[]
)
language plpgsql
-- The plan is the same for every batch and every size of the tables: one look into an index a draft. Left to itself the
-- planner makes a plan a batch, and as long as it has no statistics of a growing table it reads that table whole.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_seq int;
  v_site text;
  v_conversation text[];
  v_sender_type text[];
  v_sender text[];
  v_client text[];
  v_id text[];
  v_body text[];
  v_preview text[];
  v_metadata text[];
begin
  if p_count = 1 then
    select c.seq + 1, c.site into v_seq, v_site
    from conversation c where c.id = p_conversation and c.status = 'open' for no key update;
    v_now := date_trunc('milliseconds', clock_timestamp());
    insert into message (conversation_id, seq, id, site, sender_type, sender_id, client_id, body_text, metadata, created_at)
    select p_conversation, v_seq, p_id, v_site, p_sender_type, p_sender, p_client, p_body,
           nullif(p_metadata, '')::jsonb, v_now
    where v_seq is not null
    on conflict on constraint message_conversation_id_sender_id_client_id_key do nothing;
    if found then
      update conversation c
      set seq = v_seq,
          preview = p_preview,
          preview_sender = p_sender_type,
          last_message_at = v_now,
          unread = case p_sender_type when 'visitor' then c.unread + 1 when 'admin' then 0 else c.unread end,
          waiting_since = case p_sender_type
            when 'visitor' then coalesce(c.waiting_since, v_now)
            when 'admin' then null
            else c.waiting_since
          end,
          version = pg_current_xact_id()
      where c.id = p_conversation;
      stored_at := extract(epoch from v_now) * 1000;
      seqs := array[v_seq];
      return next;
      return;
    end if;
    v_conversation := array[p_conversation];
    v_sender_type := array[p_sender_type];
    v_sender := array[p_sender];
    v_client := array[p_client];
    v_id := array[p_id];
    v_body := array[p_body];
    v_preview := array[p_preview];
    v_metadata := array[p_metadata];
  else
    v_conversation := string_to_array(p_conversation, chr(31));
    v_sender_type := string_to_array(p_sender_type, chr(31));
    v_sender := string_to_array(p_sender, chr(31));
    v_client := string_to_array(p_client, chr(31));
    v_id := string_to_array(p_id, chr(31));
    v_body := string_to_array(p_body, chr(31));
    v_preview := string_to_array(p_preview, chr(31));
    v_metadata := string_to_array(p_metadata, chr(31));
    if not p_count = all (array[
      cardinality(v_conversation), cardinality(v_sender_type), cardinality(v_sender), cardinality(v_client), cardinality(v_id),
      cardinality(v_body), cardinality(v_preview), coalesce(cardinality(v_metadata), p_count)
    ]) then
      raise array_subscript_error using message = 'a value holds the separator';
    end if;
  end if;

  -- Locks in id order, so that two batches cannot wait for each other.
  perform 1 from conversation where id = any(v_conversation) order by id for no key update;
  v_now := date_trunc('milliseconds', clock_timestamp());

  return query
  with draft as (
    select * from unnest(v_conversation, v_sender_type, v_sender, v_client, v_id, v_body, v_preview, v_metadata)
      with ordinality as d(conversation_id, sender_type, sender_id, client_id, id, body, preview, metadata, ord)
  ),
  judged as (
    select d.*, c.seq as top, c.site, c.status,
           m.seq as first_seq, m.id as first_id, m.created_at as first_at,
           case
             when c.id is null then 'missing'
             when m.seq is not null then 'duplicate'
             when c.status = 'closed' and not (
               d.sender_type = 'visitor'
               and c.closed_at > v_now - p_reopen
               and not exists (
                 select 1 from conversation o
                 where o.visitor_id = c.visitor_id and o.site = c.site and o.status <> 'closed'
               )
             ) then 'closed'
             else 'stored'
           end as verdict,
           row_number() over (partition by d.conversation_id, d.sender_id, d.client_id order by d.ord) as attempt
    from draft d
    left join conversation c on c.id = d.conversation_id
    -- The message that has this client id already. It is asked for in the order of client ids, which only their index
    -- gives without a sort. Asked for by equality alone, where conversations are short the planner thinks as well of the
    -- primary key's, and for each message reads the conversation whole.
    left join lateral (
      select f.seq, f.id, f.created_at from message f
      where f.conversation_id = d.conversation_id and f.sender_id = d.sender_id
        and f.client_id between d.client_id and d.client_id
      order by f.client_id limit 1
    ) m on true
  ),
  numbered as (
    select *,
           verdict = 'stored' and attempt = 1 as is_new,
           (top + count(*) filter (where verdict = 'stored' and attempt = 1)
             over (partition by conversation_id order by ord))::int as new_seq
    from judged
  ),
  inserted as (
    insert into message (conversation_id, seq, id, site, sender_type, sender_id, client_id, body_text, metadata, created_at)
    select conversation_id, new_seq, id, site, sender_type, sender_id, client_id, body, nullif(metadata, '')::jsonb, v_now
    from numbered
    where is_new
  ),
  -- What each conversation's row becomes: its last line, and what waits since an agent last answered.
  told as (
    select conversation_id,
           max(new_seq) as seq,
           (array_agg(preview order by new_seq desc))[1] as preview,
           (array_agg(sender_type order by new_seq desc))[1] as preview_sender,
           bool_or(sender_type = 'admin') as answered,
           count(*) filter (where sender_type = 'visitor' and new_seq > answered_seq) as waiting
    from (
      select *, coalesce(max(new_seq) filter (where sender_type = 'admin') over (partition by conversation_id), 0) as answered_seq
      from numbered
      where is_new
    ) n
    group by conversation_id
  ),
  updated as (
    update conversation c
    set seq = t.seq,
        preview = t.preview,
        preview_sender = t.preview_sender,
        last_message_at = v_now,
        unread = case when t.answered then 0 else c.unread end + t.waiting,
        waiting_since = case
          when t.waiting = 0 then case when t.answered then null else c.waiting_since end
          when t.answered then v_now
          else coalesce(c.waiting_since, v_now)
        end,
        status = 'open',
        closed_at = null,
        version = pg_current_xact_id()
    from told t
    where c.id = t.conversation_id
  )
  select (extract(epoch from v_now) * 1000)::bigint,
         array_agg(j.seq),
         array_agg(j.ord) filter (where j.is_odd),
         array_agg(j.outcome) filter (where j.is_odd),
         array_agg(j.id) filter (where j.is_odd),
         array_agg((extract(epoch from j.stored_at) * 1000)::bigint) filter (where j.is_odd),
         array_agg(j.reopened) filter (where j.is_odd)
  from (
    select ord::int,
           verdict <> 'stored' or attempt > 1 or status = 'closed' as is_odd,
           case when verdict = 'stored' and attempt > 1 then 'duplicate' else verdict end as outcome,
           coalesce(first_id, first_value(id) over repeats) as id,
           coalesce(first_seq, case when verdict = 'stored' then first_value(new_seq) over repeats end) as seq,
           coalesce(first_at, v_now) as stored_at,
           verdict = 'stored' and status = 'closed' as reopened
    from numbered
    window repeats as (partition by conversation_id, sender_id, client_id order by ord)
    order by ord
  ) j;
end
$$;
