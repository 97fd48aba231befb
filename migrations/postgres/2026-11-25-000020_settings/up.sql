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

-- Up to where others see that somebody has read: it stands still while they keep it to themselves.
alter table memberships add column shown_position bigint not null default 0;
update memberships set shown_position = read_position;
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
       m.shown_position
from memberships m;

-- Memberships as acts and views read them: also whether others see how far the person has read, and the person them.
create or replace view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at, exists (select 1 from blocks b where b.blocker_id = m.user_id) as has_blocks,
       m.shown_position,
       coalesce((select s.read_receipts from user_settings s where s.user_id = m.user_id), true) as read_receipts
from marks m
cross join lateral (select * from users where id = m.user_id offset 0) u
left join lateral (
    select * from heads where user_id = m.user_id and conversation_id = m.conversation_id offset 0
) h on true;

-- Accounts as acts read them.
create view accounts as
select u.id, u.username, u.full_name, u.profile_image, u.version, u.closed_at,
       coalesce((select s.read_receipts from user_settings s where s.user_id = u.id), true) as read_receipts
from users u;
