-- Whom a person asked into groups lately: counted over all nodes, and whatever became of it.
create table group_invitations (
    id bigint not null primary key,
    inviter_id bigint not null references users (id) on delete cascade,
    created_at bigint not null
);
create index group_invitations_of_inviter on group_invitations (inviter_id, created_at);
create index group_invitations_by_age on group_invitations (created_at);

-- What may be tried so often: until when all that was tried is made up for. The key is a hash.
create table attempts (
    key_hash blob not null primary key,
    free_at bigint not null
) without rowid;
create index attempts_by_time on attempts (free_at);

-- The nodes that run, each with when it was there last: what a node counts in memory is its share of the whole.
create table nodes (
    id bigint not null primary key,
    seen_at bigint not null
);

-- What a username looks like: nobody signs up with one that is taken for another.
create index users_by_look on users (replace(replace(replace(username, '0', 'o'), '1', 'l'), 'm', 'rn'));
