drop schema if exists reference cascade;
create schema reference;
create table reference.head (id smallint primary key, seq bigint not null);
insert into reference.head values (1, 0);
create table reference.conversations (
    id bigint primary key,
    last_position bigint not null,
    last_message_at bigint
);
insert into reference.conversations select i, 0, null from generate_series(1, 200) as i;
create table reference.messages (
    conversation_id bigint not null,
    position bigint not null,
    sender_id bigint not null,
    text text,
    created_at bigint not null,
    primary key (conversation_id, position)
);
create table reference.events (
    seq bigint primary key,
    at bigint not null,
    kind text not null,
    actor_id bigint not null,
    conversation_id bigint not null,
    position bigint
);
create table reference.idempotency_keys (
    user_id bigint not null,
    key text not null,
    outcome text not null,
    created_at bigint not null,
    primary key (user_id, key)
);
create sequence reference.keys;
