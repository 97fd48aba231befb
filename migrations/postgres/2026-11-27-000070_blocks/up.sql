-- How a conversation stands for a member while what came since is withheld from them: the last message that moved it,
-- its time, its place in lists, and the picture of the last pin. Null as long as nothing is.
alter table memberships add column still_position bigint;
alter table memberships add column still_at bigint;
alter table memberships add column still_seq bigint;
alter table memberships add column still_image text;

-- Whom somebody has blocked, the newest first.
create index blocks_newest on blocks (blocker_id, created_at, blocked_id);

create or replace view marks as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.messages_sent, m.pins_sent, m.last_sent_at, m.created_at, m.version,
       (select count(*) from messages q
        where q.conversation_id = m.conversation_id and q.position > m.read_position
          and (q.kind = 'system' or q.deleted_at is not null)
          and not exists (
              select 1 from message_exclusions e
              where e.user_id = m.user_id and e.conversation_id = q.conversation_id and e.position = q.position))
       + (select count(*) from message_exclusions e
          where e.user_id = m.user_id and e.conversation_id = m.conversation_id
            and e.position > m.read_position) as uncounted,
       (select max(e.position) from message_exclusions e
        where e.user_id = m.user_id and e.conversation_id = m.conversation_id) as last_excluded,
       m.shown_position, m.delivered_position, m.first_position, m.still_position, m.still_at, m.still_seq, m.still_image
from memberships m;

create or replace view own_conversations as
select m.user_id, m.conversation_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.uncounted, c.last_position,
       coalesce(m.still_seq, c.activity_seq) as activity_seq, coalesce(m.still_position, c.last_position) as stands_at
from marks m cross join lateral (select * from conversations where id = m.conversation_id offset 0) c;

create or replace view companions as
select m.user_id, m.state, m.messages_sent, m.pins_sent, m.last_sent_at, o.user_id as other_id,
       o.state as other_state, o.messages_sent as other_messages_sent, o.last_sent_at as other_last_sent_at,
       c.kind, c.last_message_at, coalesce(m.still_seq, c.activity_seq) as activity_seq
from memberships m
cross join lateral (select * from conversations where id = m.conversation_id offset 0) c
cross join lateral (
    select * from memberships
    where conversation_id = m.conversation_id and user_id <> m.user_id offset 0
) o;

-- Memberships as acts and views read them: also whether the member has blocked somebody who has to do with it.
create or replace view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at, exists (
           select 1 from blocks b join memberships o on o.user_id = b.blocked_id
           where b.blocker_id = m.user_id and o.conversation_id = m.conversation_id) as has_blocks,
       m.shown_position,
       coalesce((select s.read_receipts from user_settings s where s.user_id = m.user_id), true) as read_receipts,
       m.delivered_position, m.first_position, m.still_position, m.still_at, m.still_seq, m.still_image
from marks m
cross join lateral (select * from users where id = m.user_id offset 0) u
left join lateral (
    select * from heads where user_id = m.user_id and conversation_id = m.conversation_id offset 0
) h on true;

-- Accounts as acts read them: also whether the person has blocked anybody.
create or replace view accounts as
select u.id, u.username, u.full_name, u.profile_image, u.version, u.closed_at,
       coalesce((select s.read_receipts from user_settings s where s.user_id = u.id), true) as read_receipts,
       exists (select 1 from blocks b where b.blocker_id = u.id) as has_blocks
from users u;
