-- One row for each person who ever changed a setting; whoever has none, has all of them on.
create table user_settings (
    user_id bigint primary key references users (id) on delete cascade,
    -- Sends and sees who is typing.
    typing boolean not null,
    -- Shows and sees who is online.
    presence boolean not null,
    -- Shows and sees up to where messages were read.
    read_receipts boolean not null,
    -- The sender of a pin is told when this person saves it.
    pin_saved_notice boolean not null,
    version bigint not null
);
