\set conversation random(1, 200)
with counted as (
    update reference.conversations set last_position = last_position + 1, last_message_at = 1
    where id = :conversation returning id, last_position
), message as (
    insert into reference.messages
    select id, last_position, 1, 'a note about the blue door in the hall, of some sixty bytes', 1 from counted
    returning conversation_id, position
), key as (
    insert into reference.idempotency_keys
    select 1, nextval('reference.keys')::text, '[1,2]', 1 from message returning user_id
), head as (
    update reference.head set seq = seq + 1 where id = (select 1 from key) returning seq
)
insert into reference.events
select head.seq, 1, 'message.created', 1, message.conversation_id, message.position from head, message;
