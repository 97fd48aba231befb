\set conversation random(1, 200)
begin;
update reference.conversations set last_position = last_position + 1, last_message_at = 1
where id = :conversation returning last_position as position \gset
insert into reference.messages
values (:conversation, :position, 1, 'a note about the blue door in the hall, of some sixty bytes', 1);
insert into reference.idempotency_keys values (1, nextval('reference.keys')::text, '[1,2]', 1);
update reference.head set seq = seq + 1 where id = 1 returning seq \gset
insert into reference.events values (:seq, 1, 'message.created', 1, :conversation, :position);
commit;
