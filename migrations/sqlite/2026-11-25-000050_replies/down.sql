drop view board_rows;
drop view pins_seen;
drop view conversation_cards;
drop view message_cards;
create view message_cards as
select m.conversation_id, m.position, m.sender_id, m.kind as message_kind, m.text, m.pin_snapshot,
       m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version, u.username,
       u.full_name, u.profile_image, u.version as user_version, p.version as pin_version, p.link as pin_link,
       m.edited_at, m.reactions, m.notice
from messages m cross join users u
left join pins p on p.id = m.pin_id and p.removed_at is null
where u.id = m.sender_id;
create view conversation_cards as
select c.id, c.kind, c.title, c.created_by, c.created_at, c.last_position, c.last_message_at, c.activity_seq,
       c.version, l.image_url as last_pin_image, m.position, m.sender_id, m.kind as message_kind, m.text,
       m.pin_snapshot, m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version,
       u.username, u.full_name, u.profile_image, u.version as user_version, p.version as pin_version,
       p.link as pin_link, m.edited_at, m.reactions, m.notice, c.owner_id,
       c.last_pin_position
from conversations c
left join messages m on m.conversation_id = c.id and m.position = c.last_position
left join users u on u.id = m.sender_id
left join pins p on p.id = m.pin_id and p.removed_at is null
left join pins l on l.id = c.last_pin_id;
drop view quotes;
drop index messages_about_pin;
drop index message_exclusions_of_message;
alter table messages drop column forwarded;
alter table messages drop column board_snapshot;
