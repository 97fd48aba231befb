-- One row: the log's head. Every batch that writes events locks it last, so seq order is commit order.
create table log_head (
    id smallint primary key check (id = 1),
    -- Names this history of the log; changed when the database was restored or moved.
    epoch text not null,
    -- What the epoch was made for: the database's own identity.
    identity text not null,
    seq bigint not null,
    -- Events up to this seq have been removed from the log.
    trimmed_seq bigint not null
);

-- The one log. A row says what happened and to what; the view is made from the present rows when it is read.
create table events (
    seq bigint primary key,
    at bigint not null,
    kind text not null,
    actor_id bigint not null,
    conversation_id bigint,
    -- Set for what concerns one person alone.
    user_id bigint,
    position bigint,
    object_id bigint,
    -- JSON: only such facts as have no row of their own.
    facts text
);
create index events_of_conversation on events (conversation_id, seq) where conversation_id is not null;
create index events_of_user on events (user_id, seq) where user_id is not null;
-- Profile changes concern everyone who shares a conversation with the person.
create index events_of_profiles on events (seq, actor_id) where kind = 'user.updated';

create table signing_keys (
    kid text primary key,
    purpose text not null,
    secret bytea not null,
    created_at bigint not null,
    retired_at bigint
);
create index signing_keys_of_purpose on signing_keys (purpose, created_at);

create table users (
    id bigint primary key,
    -- Lower case.
    username text collate "C" not null unique,
    full_name text not null,
    email text not null,
    -- PHC string; absent for people of an outside issuer.
    password_hash text,
    about text,
    profile_image text,
    website_url text,
    version bigint not null,
    created_at bigint not null,
    closed_at bigint
);
create unique index users_email on users (email);

-- Every word of a person's name and username, folded, for type-ahead by prefix.
create table user_words (
    word text collate "C" not null,
    user_id bigint not null references users (id) on delete cascade,
    primary key (word, user_id)
);
create index user_words_of_user on user_words (user_id, word);

create table follows (
    follower_id bigint not null references users (id) on delete cascade,
    followed_id bigint not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (follower_id, followed_id)
);
create index follows_by_followed on follows (followed_id, follower_id);
create index follows_newest on follows (follower_id, created_at, followed_id);
create index followers_newest on follows (followed_id, created_at, follower_id);

create table blocks (
    blocker_id bigint not null references users (id) on delete cascade,
    blocked_id bigint not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (blocker_id, blocked_id)
);
create index blocks_by_blocked on blocks (blocked_id, blocker_id);

-- One row a signed-in device.
create table sessions (
    id bigint primary key,
    user_id bigint not null references users (id) on delete cascade,
    -- Space-separated, as granted.
    scopes text not null,
    user_agent text,
    created_at bigint not null,
    last_used_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
);
create index sessions_of_user on sessions (user_id, id);
create index sessions_by_expiry on sessions (expires_at);

create table refresh_tokens (
    token_hash bytea primary key,
    session_id bigint not null references sessions (id) on delete cascade,
    -- How many times the family was rotated before this token.
    generation bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index refresh_tokens_of_session on refresh_tokens (session_id);
create index refresh_tokens_by_expiry on refresh_tokens (expires_at);

-- Single-use passes that open a WebSocket from a browser.
create table tickets (
    ticket_hash bytea primary key,
    session_id bigint not null references sessions (id) on delete cascade,
    user_id bigint not null,
    scopes text not null,
    -- When the access token that asked for it expires.
    token_expires_at bigint not null,
    expires_at bigint not null
);
create index tickets_of_session on tickets (session_id);
create index tickets_by_expiry on tickets (expires_at);

-- One row an act that carried a key, written in the act's transaction.
create table idempotency_keys (
    user_id bigint not null,
    key text collate "C" not null,
    route text not null,
    body_hash bytea not null,
    -- JSON: the ids made.
    outcome text not null,
    created_at bigint not null,
    -- Absent: kept for ever.
    expires_at bigint,
    primary key (user_id, key)
);
create index idempotency_keys_by_expiry on idempotency_keys (expires_at) where expires_at is not null;

create table boards (
    id bigint primary key,
    owner_id bigint not null references users (id),
    name text not null,
    -- Folded: a person's boards have different names.
    name_key text not null,
    description text,
    -- PUBLIC, PROTECTED, SECRET
    privacy text not null,
    -- Pins on it, the removed ones left out.
    pin_count bigint not null default 0,
    -- When a pin was last put on it, changed or taken away.
    pins_modified_at bigint,
    created_at bigint not null,
    -- A removed board keeps its row, as its pins do.
    removed_at bigint
);
create unique index boards_name on boards (owner_id, name_key) where removed_at is null;
create index boards_of_owner on boards (owner_id, id) where removed_at is null;

create table pins (
    id bigint primary key,
    owner_id bigint not null references users (id),
    -- Absent for a pin that is on no board. A board and its pins have one owner.
    board_id bigint references boards (id),
    title text,
    description text,
    alt_text text,
    link text,
    -- For the owner alone.
    note text,
    dominant_color text,
    image_url text not null,
    parent_pin_id bigint,
    created_at bigint not null,
    -- A removed pin keeps its row for the conversations that hold it.
    removed_at bigint,
    -- When the link last changed its host.
    link_changed_at bigint,
    -- Grows when something changes that a message shows of the pin, and when it is removed.
    version bigint not null
);
create index pins_of_owner on pins (owner_id, id) where removed_at is null;
create index pins_of_board on pins (board_id, id) where removed_at is null;

create table conversations (
    id bigint primary key,
    kind text not null,
    title text,
    -- `direct:<lower id>:<higher id>` for ever; `group:<hash of the sorted members>` until members or title change.
    creation_key text collate "C" unique,
    created_by bigint not null,
    created_at bigint not null,
    -- The counter of positions.
    last_position bigint not null,
    last_message_at bigint,
    -- The newest pin that was sent.
    last_pin_id bigint,
    -- The seq of its newest event: who resumes skips the conversations that did not move.
    last_seq bigint not null,
    -- The seq of its newest message, or of its making: lists and heads stand in this order.
    activity_seq bigint not null,
    version bigint not null
);

create table memberships (
    conversation_id bigint not null references conversations (id) on delete cascade,
    user_id bigint not null references users (id),
    -- requested, member, ignored, left, removed
    state text not null,
    read_position bigint not null,
    unread_flag boolean not null,
    muted_until bigint,
    archived boolean not null,
    -- Hidden until a message beyond this position.
    hidden_position bigint,
    -- What the person wrote here: contacts are ranked by it.
    messages_sent bigint not null,
    pins_sent bigint not null,
    last_sent_at bigint,
    created_at bigint not null,
    version bigint not null,
    primary key (conversation_id, user_id)
);
create index memberships_of_user on memberships (user_id, state, conversation_id);

-- Who was a member from which seq to which: decides who reads what of the log.
create table membership_periods (
    user_id bigint not null references users (id),
    conversation_id bigint not null references conversations (id) on delete cascade,
    -- The first event seen is the one after this seq.
    joined_seq bigint not null,
    -- The last event seen.
    left_seq bigint,
    -- The first message seen.
    first_position bigint not null,
    last_position bigint,
    primary key (user_id, conversation_id, joined_seq)
);
create index membership_periods_of_conversation on membership_periods (conversation_id, user_id);

create table messages (
    conversation_id bigint not null references conversations (id) on delete cascade,
    position bigint not null,
    sender_id bigint not null,
    -- user, system
    kind text not null,
    text text,
    pin_id bigint,
    -- JSON: the pin as it was sent.
    pin_snapshot text,
    board_id bigint,
    profile_id bigint,
    reply_to bigint,
    about_pin_id bigint,
    client_message_id text,
    created_at bigint not null,
    edited_at bigint,
    deleted_at bigint,
    version bigint not null,
    primary key (conversation_id, position)
);
create index messages_of_pin on messages (pin_id, conversation_id, position) where pin_id is not null;
-- What never counts as unread.
create index messages_uncounted on messages (conversation_id, position) where kind = 'system' or deleted_at is not null;

-- What one member does not see of a conversation.
create table message_exclusions (
    user_id bigint not null,
    conversation_id bigint not null references conversations (id) on delete cascade,
    position bigint not null,
    -- withheld, deleted_for_me
    reason text not null,
    primary key (user_id, conversation_id, position)
);

-- Written by the person's own acts alone; that a message brings a head back follows from positions.
create table heads (
    user_id bigint not null references users (id),
    conversation_id bigint not null references conversations (id) on delete cascade,
    -- open, minimized
    state text not null,
    device_id text,
    -- Closed up to this position: a later message brings the head back.
    closed_position bigint not null,
    updated_at bigint not null,
    version bigint not null,
    primary key (user_id, conversation_id)
);

-- A membership, and what of the conversation does not count for its person: `uncounted` messages beyond the read
-- mark, and the last one that is kept from them.
create view marks as
select m.*,
       (select count(*) from messages q
        where q.conversation_id = m.conversation_id and q.position > m.read_position
          and (q.kind = 'system' or q.deleted_at is not null)
          and not exists (
              select 1 from message_exclusions e
              where e.user_id = m.user_id and e.conversation_id = q.conversation_id and e.position = q.position))
       + (select count(*) from message_exclusions e
          where e.user_id = m.user_id and e.conversation_id = m.conversation_id
            and e.position > m.read_position) as uncounted,
       (select max(e.position) from message_exclusions e
        where e.user_id = m.user_id and e.conversation_id = m.conversation_id) as last_excluded
from memberships m;

-- Events that concern everyone who shares a conversation with the actor.
create view profile_changes as select * from events where kind = 'user.updated';

-- The joins of hot paths. They go from a person's or a conversation's few rows to others by their keys, row by
-- row: `offset 0` keeps the planner from reading a whole table instead when somebody has very many of them.
create view own_conversations as
select m.user_id, m.conversation_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.uncounted, c.last_position, c.activity_seq
from marks m cross join lateral (select * from conversations where id = m.conversation_id offset 0) c;

create view companions as
select m.user_id, m.state, m.messages_sent, m.pins_sent, m.last_sent_at, o.user_id as other_id,
       o.state as other_state, o.messages_sent as other_messages_sent, o.last_sent_at as other_last_sent_at,
       c.kind, c.last_message_at, c.activity_seq
from memberships m
cross join lateral (select * from conversations where id = m.conversation_id offset 0) c
cross join lateral (
    select * from memberships
    where conversation_id = m.conversation_id and user_id <> m.user_id offset 0
) o;

-- With each one's own head.
create view members as
select m.conversation_id, m.user_id, m.state, m.read_position, m.unread_flag, m.muted_until, m.archived,
       m.hidden_position, m.created_at, m.version, m.uncounted, m.last_excluded, u.username, u.full_name,
       u.profile_image, u.version as user_version, h.state as head_state, h.device_id as head_device_id,
       h.closed_position as head_closed_position, h.version as head_version
from marks m
cross join lateral (select * from users where id = m.user_id offset 0) u
left join lateral (
    select * from heads where user_id = m.user_id and conversation_id = m.conversation_id offset 0
) h on true;

-- Messages with their sender and the present state of their pin.
create view message_cards as
select m.conversation_id, m.position, m.sender_id, m.kind as message_kind, m.text, m.pin_snapshot,
       m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version, u.username,
       u.full_name, u.profile_image, u.version as user_version, p.version as pin_version, p.link as pin_link
from messages m join users u on u.id = m.sender_id
left join pins p on p.id = m.pin_id and p.removed_at is null;

-- Conversations with their last message.
create view conversation_cards as
select c.id, c.kind, c.title, c.created_by, c.created_at, c.last_position, c.last_message_at, c.activity_seq,
       c.version, l.image_url as last_pin_image, m.position, m.sender_id, m.kind as message_kind, m.text,
       m.pin_snapshot, m.client_message_id, m.created_at as sent_at, m.deleted_at, m.version as message_version,
       u.username, u.full_name, u.profile_image, u.version as user_version, p.version as pin_version,
       p.link as pin_link
from conversations c
left join lateral (
    select * from messages where conversation_id = c.id and position = c.last_position offset 0
) m on true
left join lateral (select * from users where id = m.sender_id offset 0) u on true
left join lateral (select * from pins where id = m.pin_id and removed_at is null offset 0) p on true
left join lateral (select * from pins where id = c.last_pin_id offset 0) l on true;

-- Memberships as acts read them, with the person, and whether that person has blocked anybody.
create view membership_rows as
select m.*, u.username, u.full_name, u.profile_image, u.version as user_version,
       exists (select 1 from blocks b where b.blocker_id = m.user_id) as has_blocks
from memberships m join users u on u.id = m.user_id;
