-- Conversations {from} up to but not including {to} of two people each, with a thousand messages each, as sends leave
-- them behind. For both databases; the words in braces are replaced.
begin;
insert into users (id, username, full_name, email, version, created_at)
with recursive n (i) as (select 2 * {from} union all select i + 1 from n where i < 2 * {to} - 1)
select 1000000 + i, 'grown' || i, 'Grown ' || i, 'grown' || i || '@example.com', 1, {now} from n;

insert into conversations (id, kind, creation_key, created_by, created_at, last_position, last_message_at, last_seq,
                           activity_seq, version)
with recursive n (i) as (select {from} union all select i + 1 from n where i < {to} - 1)
select 5000000 + i, 'direct', 'direct:' || (1000000 + 2 * i) || ':' || (1000001 + 2 * i), 1000000 + 2 * i, {now}, 1000,
       {now}, log_head.seq + (i - {from} + 1) * 1000, log_head.seq + (i - {from} + 1) * 1000, 1
from n, log_head;

insert into memberships (conversation_id, user_id, state, read_position, unread_flag, archived, messages_sent, pins_sent,
                         last_sent_at, created_at, version)
with recursive n (i) as (select 2 * {from} union all select i + 1 from n where i < 2 * {to} - 1)
select 5000000 + i / 2, 1000000 + i, 'member', 1000, false, false, 500, 0, {now}, {now}, 1 from n;

insert into membership_periods (user_id, conversation_id, joined_seq, first_position)
with recursive n (i) as (select 2 * {from} union all select i + 1 from n where i < 2 * {to} - 1)
select 1000000 + i, 5000000 + i / 2, log_head.seq, 1 from n, log_head;

insert into messages (conversation_id, position, sender_id, kind, text, created_at, version)
with recursive n (i) as (select 1000 * {from} union all select i + 1 from n where i < 1000 * {to} - 1)
select 5000000 + i / 1000, i % 1000 + 1, 1000000 + 2 * (i / 1000) + i % 2, 'user',
       'a note about the blue door in the hall, of sixty bytes n' || (i % 1000), {now}, 1
from n;

insert into events (seq, at, kind, actor_id, conversation_id, position)
with recursive n (i) as (select 1000 * {from} union all select i + 1 from n where i < 1000 * {to} - 1)
select log_head.seq + 1 + i - 1000 * {from}, {now}, 'message.created', 1000000 + 2 * (i / 1000) + i % 2,
       5000000 + i / 1000, i % 1000 + 1
from n, log_head;

insert into idempotency_keys (user_id, key, route, body_hash, outcome, created_at)
with recursive n (i) as (select 1000 * {from} union all select i + 1 from n where i < 1000 * {to} - 1)
select 1000000 + 2 * (i / 1000) + i % 2, 'grown' || i,
       'POST /v5/conversations/' || (5000000 + i / 1000) || '/messages', {hash}, i % 1000 + 1, {now}
from n;

update log_head set seq = seq + ({to} - {from}) * 1000;
commit;
