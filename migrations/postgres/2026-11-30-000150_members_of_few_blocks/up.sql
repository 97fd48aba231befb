-- Whether a member has blocked another one is looked up only for who has blocked anybody: each row of a group compared
-- all with all.
create or replace view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at,
       exists (select 1 from blocks where blocker_id = m.user_id) and exists (
           select 1 from blocks b join memberships o on o.user_id = b.blocked_id
           where b.blocker_id = m.user_id and o.conversation_id = m.conversation_id) as has_blocks,
       m.shown_position,
       coalesce((select s.read_receipts from user_settings s where s.user_id = m.user_id), true) as read_receipts,
       m.delivered_position, m.first_position, m.still_position, m.still_at, m.still_seq, m.still_image, m.answer
from marks m
cross join lateral (select * from users where id = m.user_id offset 0) u
left join lateral (
    select * from heads where user_id = m.user_id and conversation_id = m.conversation_id offset 0
) h on true;
