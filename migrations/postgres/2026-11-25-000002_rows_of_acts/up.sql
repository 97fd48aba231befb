-- Memberships as acts and views read them: also what the person sent, and whether that person has blocked anybody.
create or replace view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at, exists (select 1 from blocks b where b.blocker_id = m.user_id) as has_blocks
from marks m
cross join lateral (select * from users where id = m.user_id offset 0) u
left join lateral (
    select * from heads where user_id = m.user_id and conversation_id = m.conversation_id offset 0
) h on true;

-- Conversations as acts read them.
create view conversation_rows as
select c.*, (select p.image_url from pins p where p.id = c.last_pin_id) as last_pin_image from conversations c;

-- Grows when rows that writers keep in memory (conversations, memberships, heads, people, blocks, exclusions) are
-- changed without an event, as somebody does who changes them by hand: then writers read them anew.
alter table log_head add column unlogged_changes bigint not null default 0;
