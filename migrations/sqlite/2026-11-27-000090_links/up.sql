-- Addresses that pins lead to, what was found out about them, and when somebody looks next.
create table links (
    id bigint not null primary key,
    address text not null unique,
    -- What it is followed by, which nobody guesses.
    token text not null unique,
    -- pending, ok, warn, blocked.
    verdict text not null,
    -- Names, separated by commas.
    reasons text not null,
    -- JSON: where it leads, as far as that was looked at.
    journey text,
    inspected_at bigint,
    -- Of how many looks where it leads is known, and how many failed since.
    inspections bigint not null,
    failures bigint not null,
    created_at bigint not null,
    -- Whether it was sent.
    is_sent boolean not null,
    -- Null if nobody has to look any more.
    due_at bigint
);
create index links_due on links (due_at, id) where due_at is not null;

-- The domains that a link names or leads to, each with those that it is in.
create table link_domains (
    domain text not null,
    link_id bigint not null references links (id) on delete cascade,
    primary key (domain, link_id)
) without rowid;
create index link_domains_of_link on link_domains (link_id);

-- Domains to which no link is delivered.
create table blocked_domains (
    domain text not null primary key,
    -- Why, for moderators.
    reason text,
    -- Null if it came from a list.
    blocked_by bigint references users (id),
    created_at bigint not null
) without rowid;

alter table pins add column link_id bigint;
create index pins_of_link on pins (link_id) where link_id is not null;
-- Those that were made before links were looked at.
create index pins_unjudged on pins (id) where link is not null and link_id is null;

-- The link of the pin as it was sent.
alter table messages add column link_id bigint;
create index messages_of_link on messages (link_id, pin_id, conversation_id) where link_id is not null;

-- Also what was found out about the pin's link as it was sent.
drop view message_cards;
create view message_cards as
select m.conversation_id, m.position, m.sender_id, m.kind as message_kind, m.text, m.pin_snapshot,
       m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version, u.username,
       u.full_name, u.profile_image, u.version as user_version, p.version as pin_version, p.link as pin_link,
       m.edited_at, m.reactions, m.notice,
       case when m.reply_to is not null or m.about_pin_id is not null or m.forwarded or m.board_id is not null
              or m.profile_id is not null then json_array(
           m.reply_to,
           (select quote from quotes where conversation_id = m.conversation_id and position = m.reply_to),
           m.about_pin_id, case when m.forwarded then 1 else 0 end, m.board_snapshot,
           (select privacy from boards where id = m.board_id and removed_at is null),
           json((select json_array(id, username, full_name, profile_image, version) from users where id = m.profile_id))
       ) end as extras,
       case when k.id is not null then k.verdict || ' ' || k.token || ' ' || k.reasons end as link_check
from messages m cross join users u
left join pins p on p.id = m.pin_id and p.removed_at is null
left join links k on k.id = m.link_id
where u.id = m.sender_id;

-- Also that of the last message.
drop view conversation_cards;
create view conversation_cards as
select c.id, c.kind, c.title, c.created_by, c.created_at, c.last_position, c.last_message_at, c.activity_seq,
       c.version, l.image_url as last_pin_image, m.position, m.sender_id, m.kind as message_kind, m.text,
       m.pin_snapshot, m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version,
       u.username, u.full_name, u.profile_image, u.version as user_version, p.version as pin_version,
       p.link as pin_link, m.edited_at, m.reactions, m.notice, c.owner_id,
       c.last_pin_position,
       case when m.reply_to is not null or m.about_pin_id is not null or m.forwarded or m.board_id is not null
              or m.profile_id is not null then json_array(
           m.reply_to,
           (select quote from quotes where conversation_id = m.conversation_id and position = m.reply_to),
           m.about_pin_id, case when m.forwarded then 1 else 0 end, m.board_snapshot,
           (select privacy from boards where id = m.board_id and removed_at is null),
           json((select json_array(id, username, full_name, profile_image, version) from users where id = m.profile_id))
       ) end as extras,
       case when k.id is not null then k.verdict || ' ' || k.token || ' ' || k.reasons end as link_check
from conversations c
left join messages m on m.conversation_id = c.id and m.position = c.last_position
left join users u on u.id = m.sender_id
left join pins p on p.id = m.pin_id and p.removed_at is null
left join pins l on l.id = c.last_pin_id
left join links k on k.id = m.link_id;

-- Also that of each sending.
drop view pin_sendings;
create view pin_sendings as
select m.conversation_id, m.pin_id, m.position, m.pin_snapshot,
       row_number() over (partition by m.conversation_id, m.pin_id order by m.position desc) as place,
       p.version as pin_version, p.link as pin_link,
       case when k.id is not null then k.verdict || ' ' || k.token || ' ' || k.reasons end as link_check
from messages m
left join pins p on p.id = m.pin_id and p.removed_at is null
left join links k on k.id = m.link_id
where m.pin_id is not null;
