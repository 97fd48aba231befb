-- What requests to strangers carried lately: the link and the picture, by which the same sent to many is seen.
create table request_marks (
    mark text not null,
    conversation_id bigint not null,
    sender_id bigint not null,
    -- Whether the sender's account was new.
    is_new boolean not null,
    created_at bigint not null,
    primary key (mark, conversation_id)
);
create index request_marks_by_age on request_marks (created_at);

-- Requests that their receivers hear of once a moderator has looked at the pin.
create table held_requests (
    pin_id bigint not null,
    conversation_id bigint not null,
    sender_id bigint not null,
    receiver_id bigint not null,
    created_at bigint not null,
    primary key (pin_id, conversation_id)
);
