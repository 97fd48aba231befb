-- How somebody answered the one who began their conversation of two: awaited, accepted; null where nobody had to ask.
alter table memberships add column answer text;

-- Where first messages land, by what a person has to do with the sender: inbox, requests, nobody. Null is the default.
alter table user_settings add column from_mutual text;
alter table user_settings add column from_followed text;
alter table user_settings add column from_talked text;
alter table user_settings add column from_followers text;
alter table user_settings add column from_everyone text;

-- What one person has to do with another, and where they want first messages to land.
create view relations as
select u.id as user_id, o.id as other_id,
       exists (select 1 from follows f where f.follower_id = u.id and f.followed_id = o.id) as i_follow,
       exists (select 1 from follows f where f.follower_id = o.id and f.followed_id = u.id) as follows_me,
       exists (
           select 1 from memberships m join memberships n on n.conversation_id = m.conversation_id
           where m.user_id = u.id and n.user_id = o.id and m.state = 'member' and n.state = 'member'
             and (m.messages_sent > 0 or m.answer = 'accepted')) as talked_before,
       exists (select 1 from blocks b where b.blocker_id = u.id and b.blocked_id = o.id) as blocked,
       s.from_mutual, s.from_followed, s.from_talked, s.from_followers, s.from_everyone
from users u cross join users o left join user_settings s on s.user_id = u.id;

-- Memberships as acts and views read them: also how the member answered.
drop view members;
create view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version, m.messages_sent, m.pins_sent,
       m.last_sent_at, exists (
           select 1 from blocks b join memberships o on o.user_id = b.blocked_id
           where b.blocker_id = m.user_id and o.conversation_id = m.conversation_id) as has_blocks,
       m.shown_position,
       coalesce((select s.read_receipts from user_settings s where s.user_id = m.user_id), true) as read_receipts,
       m.delivered_position, m.first_position, m.still_position, m.still_at, m.still_seq, m.still_image, m.answer
from marks m cross join users u
left join heads h on h.user_id = m.user_id and h.conversation_id = m.conversation_id
where u.id = m.user_id;
