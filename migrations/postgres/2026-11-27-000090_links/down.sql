drop view message_cards;
drop view conversation_cards;
drop view pin_sendings;
create view message_cards as
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
create view conversation_cards as
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
create view pin_sendings as
select m.conversation_id, m.pin_id, m.position, m.pin_snapshot,
       row_number() over (partition by m.conversation_id, m.pin_id order by m.position desc) as place,
       p.version as pin_version, p.link as pin_link
from messages m
left join pins p on p.id = m.pin_id and p.removed_at is null
where m.pin_id is not null;
drop index messages_of_link;
alter table messages drop column link_id;
drop index pins_unjudged;
drop index pins_of_link;
alter table pins drop column link_id;
drop table blocked_domains;
drop table link_domains;
drop table links;
