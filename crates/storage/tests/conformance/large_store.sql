-- A store with 100,000 people, a million follows and a million messages; the same text for both databases.
-- Person 1 has very many contacts and conversations, every fourth has about 20 conversations, and the others
-- have none; person 100,000 is new.

create table numbers (i bigint primary key);
insert into numbers
with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000) select i from n;

-- Names of two syllables each, so that some beginnings fit many people and some fit few.
create table syllables (n bigint primary key, s text not null);
insert into syllables values
    (0, 'an'), (1, 'be'), (2, 'ca'), (3, 'do'), (4, 'el'), (5, 'fi'), (6, 'go'), (7, 'hu'), (8, 'im'),
    (9, 'ja'), (10, 'ko'), (11, 'le'), (12, 'ma'), (13, 'no'), (14, 'pe'), (15, 'ri'), (16, 'so'), (17, 'tu');
insert into users (id, username, full_name, email, version, created_at)
select i, 'user' || i, a.s || b.s || ' ' || c.s || d.s, i || '@pinwire.example', 1, 1700000000000 + i
from numbers
join syllables a on a.n = i % 18 join syllables b on b.n = i / 18 % 18
join syllables c on c.n = i / 7 % 18 join syllables d on d.n = i / 11 % 18
where i <= 100000;
insert into user_words select username, id from users order by 1;
insert into user_words select substr(full_name, 1, 4), id from users order by 1, 2;
insert into user_words select substr(full_name, 6, 4), id from users
where substr(full_name, 6, 4) <> substr(full_name, 1, 4) order by 1, 2;

-- Nine follows each; person 1 follows 30,100 and is followed by 70,000.
insert into follows
select 2 + (i - 1) / 9, 2 + ((i - 1) / 9 + (i % 9 + 1) * (i % 9 + 1) * 13) % 99998,
       1700000000000 + i * 7919 % 900000
from numbers where i <= 899982;
delete from follows where follower_id = 100000 or followed_id = 100000;
insert into follows select 1, 1 + i, 1700000900000 + i from numbers where i <= 30100;
insert into follows select 29999 + i, 1, 1700000930000 + i from numbers where i <= 70000;
insert into blocks
select 2 + i * 31 % 99000, 2 + i * 17 % 99000, 1 from numbers where i <= 20000 and i * 31 % 99000 <> i * 17 % 99000;

insert into user_settings (user_id, typing, presence, read_receipts, pin_saved_notice, version)
select i, i % 3 > 0, i % 5 > 0, i % 7 > 0, true, 1 from numbers where i <= 100000 and i % 4 = 0;

insert into boards (id, owner_id, name, name_key, privacy, created_at)
select i, i, 'Hall', 'hall', case when i % 10 = 0 then 'SECRET' else 'PUBLIC' end, 1 from numbers where i <= 50000;
insert into links (id, address, token, verdict, reasons, inspections, failures, created_at, is_sent, due_at)
select i, 'https://shop' || i || '.example/', 'token' || i, 'ok', '', 1, 0, 1, true,
       case when i % 100 = 0 then 1800000000000 end
from numbers where i <= 50000;
insert into link_domains (domain, link_id) select 'shop' || i || '.example', i from numbers where i <= 50000;
insert into blocked_domains (domain, created_at) select 'bad' || i || '.example', 1 from numbers where i <= 50000;
insert into pictures (id, address, width, height, failures, due_at)
select i, 'https://img.example/' || i, 600, 900, 0, case when i % 100 = 0 then 1800000000000 end
from numbers where i <= 100000;
insert into pins (id, owner_id, board_id, image_url, created_at, version, link, link_id, picture_id)
select i, 1 + i % 50000, case when i % 3 = 0 then 1 + i % 50000 end, 'https://img.example/' || i, 1, 1,
       'https://shop' || (1 + i % 50000) || '.example/', 1 + i % 50000, i
from numbers where i <= 100000;

-- 120,000 conversations of two and 30,000 groups of five. Person 1 is in 3,000 and in 500 of them.
create table talks (id bigint primary key, kind text not null, size bigint not null, a bigint not null, b bigint not null);
insert into talks
select i, case when i <= 120000 then 'direct' else 'group' end,
       case when i = 1 then 25010 else 1 + i % 12 end,
       case when i <= 3000 then 1 else 4 * (2 + i * 13 % 19898) end,
       4 * (case when i <= 3000 then 1000 + i else 3 + i * 13 % 19898 + i % 50 + i / 19898 * 50 end)
from numbers where i <= 150000;
insert into conversations
    (id, kind, creation_key, created_by, created_at, last_position, last_message_at, last_pin_id, last_seq,
     activity_seq, version)
select id, kind, case when kind = 'direct' then 'direct:' || a || ':' || b else 'group:' || id end, a,
       1700000000000 + id, size, 1700000000000 + id + 150000 * size, 1 + id % 100000,
       case when id = 1 then 1800000 + size else (size - 1) * 150000 + id end,
       case when id = 1 then 1800000 + size else (size - 1) * 150000 + id end, 1
from talks;
insert into memberships
    (conversation_id, user_id, state, read_position, unread_flag, archived, messages_sent, pins_sent,
     last_sent_at, created_at, version)
select id, person, case when person > 1 and (id + person) % 40 = 0 then 'requested' else 'member' end,
       case when (id + person) % 3 = 0 then size else size / 2 end, false, (id + person) % 20 = 0,
       size / 2, size / 6, 1700000000000 + id + 150000 * size, 1700000000000 + id, 1
from (
    select id, size, a as person from talks union select id, size, b from talks
    union select id, size, 4 * (2 + (id * 17 + i * i * 37 + i * 5) % 19998) from talks, numbers
    where kind = 'group' and i <= 3
    union select id, size, 1 from talks where id between 120001 and 120500
) as made order by id, person;
insert into membership_periods (user_id, conversation_id, joined_seq, first_position)
select user_id, conversation_id, 0, 1 from memberships where state = 'member' order by 1, 2;

-- Each conversation has a message in each round of 150,000; the first one has many more.
insert into messages
    (conversation_id, position, sender_id, kind, text, pin_id, pin_snapshot, created_at, deleted_at, version, reply_to,
     about_pin_id, profile_id, board_id, board_snapshot, link_id)
select id, i, case when i % 2 = 1 then a else b end, case when i % 50 = 7 then 'system' else 'user' end,
       'What about this one for the hall?',
       case when i % 3 = 1 then case when id % 20 = 0 then 1 else 1 + id % 100000 end end,
       case when i % 3 = 1 then '{"id":1,"owner_id":1,"image_url":"https://img.example/1","version":1}' end,
       1700000000000 + id + 150000 * i, case when i % 40 = 9 then 1 end, 1, case when i % 7 = 2 then i - 1 end,
       case when i % 7 = 2 then 1 + id % 100000 end, case when i % 11 = 5 then a end, case when i % 13 = 6 then b end,
       case when i % 13 = 6 then '{"id":1,"owner_id":1,"owner_username":"user1","name":"Hall","pin_count":1}' end,
       case when i % 3 = 1 then 1 + id % 50000 end
from talks, numbers where i <= 25010 and i <= size order by id, i;
insert into message_exclusions
select a, id, 1, 'deleted_for_me' from talks where id % 3 = 0 and size > 1 order by 1, 2;
insert into heads
select user_id, conversation_id, 'minimized', null, case when conversation_id % 2 = 0 then read_position else 0 end, 1, 1
from memberships where (conversation_id + user_id) % 4 = 0 order by 1, 2;
insert into drafts (user_id, conversation_id, text, updated_at, version)
select user_id, conversation_id, 'For the', 1700000000000, 1
from memberships where (conversation_id + user_id) % 4 = 1 order by 1, 2;

insert into message_revisions (conversation_id, position, number, text, written_at)
select conversation_id, position, 1, 'For the', created_at from messages where position = 3 order by 1, 2;

-- The log of the last rounds; then what concerns one person alone, and profiles.
insert into events (seq, at, kind, actor_id, conversation_id, position)
select case when position > 12 then 1800000 + position else (position - 1) * 150000 + conversation_id end,
       created_at, 'message.created', sender_id, conversation_id, position
from messages where position > 6 order by 1;
insert into events (seq, at, kind, actor_id, user_id)
select 1900000 + i, 1700000000000, 'settings.updated', 1 + i % 90000, 1 + i % 90000 from numbers where i <= 90000;
insert into events (seq, at, kind, actor_id)
select 2000000 + i, 1700000000000, 'user.updated', 1 + i % 90000 from numbers where i <= 20000;
update log_head set seq = 2020000, trimmed_seq = 900000;

-- One message of each block, which is enough for plans.
insert into search_blocks
select conversation_id, position / 16, min(created_at), max(created_at),
       '
' || max(position) || ':' || max(created_at) || ' @1 for hall the '
from messages group by 1, 2 order by 1, 2;
update search_progress set seq = 2020000;

drop table talks;
drop table syllables;
drop table numbers;

-- What was put to some of the pins.
insert into pin_marks (conversation_id, pin_id, reactions, saves)
select distinct conversation_id, pin_id, '[["👍",[[1,[]]]]]', null from messages where pin_id % 7 = 0;
