-- Rows stand in the order in which they were made, and only their keys in that of the keys, which clients make at random:
-- so an act changes fewer pages.
create table kept_outcomes (
    user_id bigint not null,
    key text not null,
    route text not null,
    body_hash blob not null,
    -- JSON: the ids made.
    outcome text not null,
    created_at bigint not null,
    -- Absent: kept for ever.
    expires_at bigint,
    primary key (user_id, key)
);
insert into kept_outcomes select user_id, key, route, body_hash, outcome, created_at, expires_at from idempotency_keys order by created_at;
drop table idempotency_keys;
alter table kept_outcomes rename to idempotency_keys;
create index idempotency_keys_by_expiry on idempotency_keys (expires_at) where expires_at is not null;
