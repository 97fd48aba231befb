-- One row for each person who ever changed a setting; whoever has none, has all of them on.
create table user_settings (
    user_id bigint primary key references users (id) on delete cascade,
    -- Sends and sees who is typing.
    typing boolean not null,
    -- Shows and sees who is online.
    presence boolean not null,
    -- Shows and sees up to where messages were read.
    read_receipts boolean not null,
    -- The sender of a pin is told when this person saves it.
    pin_saved_notice boolean not null,
    version bigint not null
);

-- Pairs of people of one conversation, with what decides whether the one sees signs of the other (typing, presence).
create view companion_signs as
select m.conversation_id, m.user_id, m.state, o.user_id as other_id, o.state as other_state,
       coalesce(s.typing, true) as typing, coalesce(os.typing, true) as other_typing,
       coalesce(s.presence, true) as presence, coalesce(os.presence, true) as other_presence,
       exists (select 1 from blocks b where b.blocker_id = m.user_id and b.blocked_id = o.user_id offset 0)
           as has_blocked,
       exists (select 1 from blocks b where b.blocker_id = o.user_id and b.blocked_id = m.user_id offset 0)
           as is_blocked
from memberships m
cross join lateral (
    select * from memberships
    where conversation_id = m.conversation_id and user_id <> m.user_id offset 0
) o
left join lateral (select * from user_settings where user_id = m.user_id offset 0) s on true
left join lateral (select * from user_settings where user_id = o.user_id offset 0) os on true;
