-- JSON: the board as it was shared.
alter table messages add column board_snapshot text;
-- Whether somebody passed on what was written elsewhere.
alter table messages add column forwarded boolean not null default false;

-- Who does not see a message.
create index message_exclusions_of_message on message_exclusions (conversation_id, position);
-- What was written about a pin in a conversation.
create index messages_about_pin on messages (conversation_id, about_pin_id, position) where about_pin_id is not null;

-- What an answer shows of a message, as JSON: who wrote it, its kind, the beginning of its text, what it carries (pin,
-- board, person), the pin it is about, when it was deleted, from whom it is kept, and who joined after it.
create view quotes as
select q.conversation_id, q.position, json_build_array(
           json_build_array(u.id, u.username, u.full_name, u.profile_image, u.version), q.kind,
           substr(q.text, 1, 201), q.pin_snapshot, q.board_snapshot,
           (select json_build_array(f.id, f.username, f.full_name, f.profile_image, f.version) from users f
            where f.id = q.profile_id),
           q.about_pin_id, q.deleted_at,
           coalesce((select json_agg(e.user_id) from message_exclusions e
                     where e.conversation_id = q.conversation_id and e.position = q.position), '[]'),
           coalesce((select json_agg(p.user_id) from memberships p
                     where p.conversation_id = q.conversation_id and p.state = 'member'
                       and p.first_position > q.position), '[]')
       )::text as quote
from messages q join users u on u.id = q.sender_id;

-- Messages with their sender and the present state of their pin. What few of them have is one value, as JSON: the
-- position that they answer and its quote, the pin they are about, whether they were passed on, the board as it was
-- shared and its privacy now, and the person whose profile they carry.
create or replace view message_cards as
select m.conversation_id, m.position, m.sender_id, m.kind as message_kind, m.text, m.pin_snapshot,
       m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version, u.username,
       u.full_name, u.profile_image, u.version as user_version, p.version as pin_version, p.link as pin_link,
       m.edited_at, m.reactions, m.notice,
       case when m.reply_to is not null or m.about_pin_id is not null or m.forwarded or m.board_id is not null
              or m.profile_id is not null then json_build_array(
           m.reply_to,
           (select quote from quotes where conversation_id = m.conversation_id and position = m.reply_to),
           m.about_pin_id, case when m.forwarded then 1 else 0 end, m.board_snapshot,
           (select privacy from boards where id = m.board_id and removed_at is null),
           (select json_build_array(id, username, full_name, profile_image, version) from users where id = m.profile_id)
       )::text end as extras
from messages m join users u on u.id = m.sender_id
left join pins p on p.id = m.pin_id and p.removed_at is null;

-- Conversations with their last message.
create or replace view conversation_cards as
select c.id, c.kind, c.title, c.created_by, c.created_at, c.last_position, c.last_message_at, c.activity_seq,
       c.version, l.image_url as last_pin_image, m.position, m.sender_id, m.kind as message_kind, m.text,
       m.pin_snapshot, m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version,
       u.username, u.full_name, u.profile_image, u.version as user_version, p.version as pin_version,
       p.link as pin_link, m.edited_at, m.reactions, m.notice, c.owner_id,
       c.last_pin_position,
       case when m.reply_to is not null or m.about_pin_id is not null or m.forwarded or m.board_id is not null
              or m.profile_id is not null then json_build_array(
           m.reply_to,
           (select quote from quotes where conversation_id = m.conversation_id and position = m.reply_to),
           m.about_pin_id, case when m.forwarded then 1 else 0 end, m.board_snapshot,
           (select privacy from boards where id = m.board_id and removed_at is null),
           (select json_build_array(id, username, full_name, profile_image, version) from users where id = m.profile_id)
       )::text end as extras
from conversations c
left join lateral (
    select * from messages where conversation_id = c.id and position = c.last_position offset 0
) m on true
left join lateral (select * from users where id = m.sender_id offset 0) u on true
left join lateral (select * from pins where id = m.pin_id and removed_at is null offset 0) p on true
left join lateral (select * from pins where id = c.last_pin_id offset 0) l on true;

-- The pins that each member sees in their conversations.
create view pins_seen as
select p.user_id, m.conversation_id, m.pin_id, m.position
from messages m
join memberships p on p.conversation_id = m.conversation_id and p.state = 'member'
    and m.position >= p.first_position
where m.pin_id is not null and m.deleted_at is null
    and not exists (
        select 1 from message_exclusions e
        where e.user_id = p.user_id and e.conversation_id = m.conversation_id and e.position = m.position);

-- Boards that are not removed, as acts share them.
create view board_rows as
select b.id, b.owner_id, u.username, b.name, b.description, b.privacy, b.pin_count,
       (select p.image_url from pins p where p.board_id = b.id and p.removed_at is null
        order by p.id desc limit 1) as image_url
from boards b join users u on u.id = b.owner_id where b.removed_at is null;
