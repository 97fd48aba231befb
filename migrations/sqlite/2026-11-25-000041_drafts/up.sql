-- What a member has begun to write, the same on all their devices. A dropped one keeps its row, without text and pin.
create table drafts (
    user_id bigint not null references users (id) on delete cascade,
    conversation_id bigint not null references conversations (id) on delete cascade,
    text text,
    pin_id bigint,
    updated_at bigint not null,
    version bigint not null,
    primary key (user_id, conversation_id)
) without rowid;
