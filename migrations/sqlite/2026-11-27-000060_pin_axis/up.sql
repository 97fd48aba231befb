-- Where each pin was sent in a conversation.
create index messages_with_pin on messages (conversation_id, pin_id, position) where pin_id is not null;

-- The pins that were removed with their board.
create index pins_removed on pins (board_id, removed_at, id) where removed_at is not null;

-- What members put to a pin of their conversation, and who of them saved it from there: both as JSON.
create table pin_marks (
    conversation_id bigint not null references conversations (id) on delete cascade,
    pin_id bigint not null,
    reactions text,
    saves text,
    primary key (conversation_id, pin_id)
) without rowid;

-- Work that goes on after the act that it began with: what is left to do, as JSON, and when somebody may take it up.
create table jobs (
    id bigint not null primary key,
    work text not null,
    due_at bigint not null
);
create index jobs_due on jobs (due_at, id);

-- Each sending of a pin in a conversation, the last one in place 1, with the pin as it is now.
create view pin_sendings as
select m.conversation_id, m.pin_id, m.position, m.pin_snapshot,
       row_number() over (partition by m.conversation_id, m.pin_id order by m.position desc) as place,
       p.version as pin_version, p.link as pin_link
from messages m
left join pins p on p.id = m.pin_id and p.removed_at is null
where m.pin_id is not null;
