drop view conversation_rows;
drop view conversation_cards;
drop view message_cards;
drop view members;
drop view own_conversations;
drop view marks;
alter table memberships drop column first_position;
alter table conversations drop column last_pin_position;
alter table conversations drop column owner_id;
alter table messages drop column notice;
create view marks as
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
create view own_conversations as
select m.user_id, m.conversation_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.uncounted, c.last_position, c.activity_seq
from marks m cross join lateral (select * from conversations where id = m.conversation_id offset 0) c;
create view members as
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
create view message_cards as
select m.conversation_id, m.position, m.sender_id, m.kind as message_kind, m.text, m.pin_snapshot,
       m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version, u.username,
       u.full_name, u.profile_image, u.version as user_version, p.version as pin_version, p.link as pin_link,
       m.edited_at, m.reactions
from messages m join users u on u.id = m.sender_id
left join pins p on p.id = m.pin_id and p.removed_at is null;
create view conversation_cards as
select c.id, c.kind, c.title, c.created_by, c.created_at, c.last_position, c.last_message_at, c.activity_seq,
       c.version, l.image_url as last_pin_image, m.position, m.sender_id, m.kind as message_kind, m.text,
       m.pin_snapshot, m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version,
       u.username, u.full_name, u.profile_image, u.version as user_version, p.version as pin_version,
       p.link as pin_link, m.edited_at, m.reactions
from conversations c
left join lateral (
    select * from messages where conversation_id = c.id and position = c.last_position offset 0
) m on true
left join lateral (select * from users where id = m.sender_id offset 0) u on true
left join lateral (select * from pins where id = m.pin_id and removed_at is null offset 0) p on true
left join lateral (select * from pins where id = c.last_pin_id offset 0) l on true;
create view conversation_rows as
select c.*, (select p.image_url from pins p where p.id = c.last_pin_id) as last_pin_image from conversations c;
