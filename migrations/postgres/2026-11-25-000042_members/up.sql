-- What Pinwire itself tells of a change of the group: a code and its parameters, as JSON.
alter table messages add column notice text;

-- Whose a group is, once its founder has left; null until then.
alter table conversations add column owner_id bigint;
-- Where the newest pin was sent: who came later does not see its picture.
alter table conversations add column last_pin_position bigint;
update conversations set last_pin_position =
    (select max(position) from messages where conversation_id = conversations.id and pin_id = conversations.last_pin_id);
-- The first message that a member sees. Of who is asked: 1 for all, or beyond all for those from the joining on.
alter table memberships add column first_position bigint not null default 1;

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
       m.shown_position, m.delivered_position, m.first_position
from memberships m;

-- Memberships as acts and views read them: also what the member sees first.
create or replace view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at, exists (select 1 from blocks b where b.blocker_id = m.user_id) as has_blocks,
       m.shown_position,
       coalesce((select s.read_receipts from user_settings s where s.user_id = m.user_id), true) as read_receipts,
       m.delivered_position, m.first_position
from marks m
cross join lateral (select * from users where id = m.user_id offset 0) u
left join lateral (
    select * from heads where user_id = m.user_id and conversation_id = m.conversation_id offset 0
) h on true;

-- Messages with their sender and the present state of their pin.
create or replace view message_cards as
select m.conversation_id, m.position, m.sender_id, m.kind as message_kind, m.text, m.pin_snapshot,
       m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version, u.username,
       u.full_name, u.profile_image, u.version as user_version, p.version as pin_version, p.link as pin_link,
       m.edited_at, m.reactions, m.notice
from messages m join users u on u.id = m.sender_id
left join pins p on p.id = m.pin_id and p.removed_at is null;

-- Conversations with their last message.
create or replace view conversation_cards as
select c.id, c.kind, c.title, c.created_by, c.created_at, c.last_position, c.last_message_at, c.activity_seq,
       c.version, l.image_url as last_pin_image, m.position, m.sender_id, m.kind as message_kind, m.text,
       m.pin_snapshot, m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version,
       u.username, u.full_name, u.profile_image, u.version as user_version, p.version as pin_version,
       p.link as pin_link, m.edited_at, m.reactions, m.notice, c.owner_id,
       c.last_pin_position
from conversations c
left join lateral (
    select * from messages where conversation_id = c.id and position = c.last_position offset 0
) m on true
left join lateral (select * from users where id = m.sender_id offset 0) u on true
left join lateral (select * from pins where id = m.pin_id and removed_at is null offset 0) p on true
left join lateral (select * from pins where id = c.last_pin_id offset 0) l on true;

-- Conversations as acts read them.
drop view conversation_rows;
create view conversation_rows as
select c.*, (select p.image_url from pins p where p.id = c.last_pin_id) as last_pin_image from conversations c;
