-- What messages are found by, 16 messages of a conversation a row: it is small enough to be written anew with each of
-- them, and large enough that a person's conversations are few rows. Nothing here refers to other tables: all of it
-- can be made anew from the messages. Room is left for rows that grow.
create table search_blocks (
    conversation_id bigint not null,
    -- The position divided by 16.
    block bigint not null,
    -- Between which moments its messages were sent.
    oldest_at bigint not null,
    newest_at bigint not null,
    -- A line each: `<position>:<sent at> <term> <term> … `, with a line break before and a space behind.
    entries text not null,
    primary key (conversation_id, block)
) with (fillfactor = 70);

-- One row: how far messages have been made findable.
create table search_progress (
    id bigint primary key check (id = 1),
    -- Those of all events up to here.
    seq bigint not null,
    -- Of those that were there before, all up to this place; absent when there are no more.
    conversation_id bigint,
    position bigint
);
insert into search_progress (id, seq, conversation_id, position)
select 1, coalesce((select seq from log_head), 0), start.place, start.place
from (select case when exists (select 1 from messages) then 0 end as place) as start;

-- The blocks that somebody may look into, and the first position they see there.
create view own_blocks as
select m.user_id, m.conversation_id, b.block, b.oldest_at, b.newest_at, b.entries, p.first_position
from memberships m
cross join lateral (
    select * from membership_periods
    where user_id = m.user_id and conversation_id = m.conversation_id and left_seq is null offset 0
) p
cross join lateral (select * from search_blocks where conversation_id = m.conversation_id offset 0) b
where m.state = 'member';
