-- Lets people take part in {own} of {all} conversations that were filled in, spread over all of them. For both
-- databases; the words in braces are replaced.
begin;
insert into memberships (conversation_id, user_id, state, read_position, unread_flag, archived, messages_sent, pins_sent,
                         created_at, version)
with recursive p (place, id) as (values {people}),
               n (i) as (select 0 union all select i + 1 from n where i < {own} - 1)
select 5000000 + (p.place * 97 + n.i * ({all} / {own})) % {all}, p.id, 'member', 1000, false, false, 0, 0, 1, 1
from p, n;

insert into membership_periods (user_id, conversation_id, joined_seq, first_position)
select user_id, conversation_id, 0, 1 from memberships where conversation_id >= 5000000
and not exists (select 1 from membership_periods q
                where q.user_id = memberships.user_id and q.conversation_id = memberships.conversation_id);
commit;
