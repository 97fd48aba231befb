create sequence ids start 1000000000000;
create table users (
    id bigint primary key default nextval('ids'),
    username text not null unique,
    full_name text not null,
    created_at timestamptz not null default now()
);
create table pins (
    id bigint primary key default nextval('ids'),
    owner_id bigint not null references users (id),
    title text,
    image_url text not null
);
create table conversations (
    id bigint primary key default nextval('ids'),
    kind text not null,
    -- The sorted people: the same people have one conversation.
    creation_key text not null unique,
    last_position bigint not null default 0,
    last_message_at timestamptz
);
create table memberships (
    conversation_id bigint not null references conversations (id),
    user_id bigint not null references users (id),
    read_position bigint not null default 0,
    primary key (conversation_id, user_id)
);
create table messages (
    conversation_id bigint not null references conversations (id),
    position bigint not null,
    sender_id bigint not null,
    text text,
    pin_id bigint,
    created_at timestamptz not null,
    primary key (conversation_id, position)
);
create table events (
    seq bigint generated always as identity primary key,
    at timestamptz not null,
    kind text not null,
    actor_id bigint not null,
    conversation_id bigint not null,
    position bigint
);
create table idempotency_keys (
    user_id bigint not null,
    key text not null,
    conversation_id bigint,
    position bigint,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);
