drop view conversation_rows;
drop view members;
create view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version
from marks m cross join users u
left join heads h on h.user_id = m.user_id and h.conversation_id = m.conversation_id
where u.id = m.user_id;
alter table log_head drop column unlogged_changes;
