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
       exists (select 1 from blocks b where b.blocker_id = m.user_id and b.blocked_id = o.user_id) as has_blocked,
       exists (select 1 from blocks b where b.blocker_id = o.user_id and b.blocked_id = m.user_id) as is_blocked
from memberships m cross join memberships o
left join user_settings s on s.user_id = m.user_id
left join user_settings os on os.user_id = o.user_id
where o.conversation_id = m.conversation_id and o.user_id <> m.user_id;

-- Up to where others see that somebody has read: it stands still while they keep it to themselves.
alter table memberships add column shown_position bigint not null default 0;
update memberships set shown_position = read_position;

-- Memberships as acts and views read them: also whether others see how far the person has read, and the person them.
drop view members;
create view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at, exists (select 1 from blocks b where b.blocker_id = m.user_id) as has_blocks,
       m.shown_position,
       coalesce((select s.read_receipts from user_settings s where s.user_id = m.user_id), true) as read_receipts
from marks m cross join users u
left join heads h on h.user_id = m.user_id and h.conversation_id = m.conversation_id
where u.id = m.user_id;

-- Accounts as acts read them.
create view accounts as
select u.id, u.username, u.full_name, u.profile_image, u.version, u.closed_at,
       coalesce((select s.read_receipts from user_settings s where s.user_id = u.id), true) as read_receipts
from users u;
