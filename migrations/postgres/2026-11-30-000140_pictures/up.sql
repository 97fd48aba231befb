-- Pictures of pins, what was read from their files, and when somebody looks next.
create table pictures (
    id bigint not null primary key,
    address text not null unique,
    -- Pixels; null while unknown.
    width bigint,
    height bigint,
    -- #rrggbb; null while unknown.
    dominant_color text,
    -- How many looks failed.
    failures bigint not null,
    -- Null if nobody has to look any more.
    due_at bigint
);
create index pictures_due on pictures (due_at, id) where due_at is not null;

alter table pins add column picture_id bigint;
create index pins_of_picture on pins (picture_id) where picture_id is not null;
