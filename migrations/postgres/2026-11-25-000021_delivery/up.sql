-- Up to where messages have reached a device of the member, as that device said.
alter table memberships add column delivered_position bigint not null default 0;

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
       m.shown_position, m.delivered_position
from memberships m;

-- Memberships as acts and views read them: also up to where messages have reached the person.
create or replace view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at, exists (select 1 from blocks b where b.blocker_id = m.user_id) as has_blocks,
       m.shown_position,
       coalesce((select s.read_receipts from user_settings s where s.user_id = m.user_id), true) as read_receipts,
       m.delivered_position
from marks m
cross join lateral (select * from users where id = m.user_id offset 0) u
left join lateral (
    select * from heads where user_id = m.user_id and conversation_id = m.conversation_id offset 0
) h on true;
