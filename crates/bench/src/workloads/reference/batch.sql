\set first random(1, 137)
begin;
select count(*) from (
    select id from reference.conversations where id between :first and :first + 63 order by id for update
) as locked;
with counted as (
    update reference.conversations set last_position = last_position + 1, last_message_at = 1
    where id between :first and :first + 63 returning id, last_position
), message as (
    insert into reference.messages
    select id, last_position, 1, 'a note about the blue door in the hall, of some sixty bytes', 1 from counted
)
insert into reference.idempotency_keys
select 1, nextval('reference.keys')::text, '[1,2]', 1 from counted;
update reference.head set seq = seq + 64 where id = 1 returning seq \gset
insert into reference.events
select :seq - 63 + id - :first, 1, 'message.created', 1, id, last_position
from reference.conversations where id between :first and :first + 63;
commit;
