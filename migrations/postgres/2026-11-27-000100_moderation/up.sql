-- Who decides on reports.
create table moderators (
    user_id bigint not null primary key references users (id) on delete cascade,
    granted_at bigint not null
);

-- What moderators and operators did. It only grows.
create table audit_log (
    id bigint not null primary key,
    at bigint not null,
    -- Null is an operator.
    actor_id bigint,
    action text not null,
    -- JSON: to what, and why.
    details text not null
);

-- What was reported, each thing once until it is decided.
create table cases (
    id bigint not null primary key,
    -- What it is about: its kind and ids.
    subject text not null,
    accused_id bigint,
    -- JSON: what was there when it was reported first.
    evidence text not null,
    -- open, claimed, resolved.
    state text not null,
    claimed_by bigint,
    claimed_at bigint,
    resolved_at bigint,
    action text,
    reason text,
    -- People who reported it.
    reporters bigint not null,
    created_at bigint not null
);
create unique index cases_undecided on cases (subject) where state <> 'resolved';
create index cases_by_state on cases (state, id);
create index cases_resolved on cases (resolved_at) where resolved_at is not null;

-- Who reported what, each once.
create table reports (
    id bigint not null primary key,
    case_id bigint not null references cases (id) on delete cascade,
    subject text not null,
    reporter_id bigint not null,
    category text not null,
    comment text,
    created_at bigint not null,
    unique (subject, reporter_id)
);
create index reports_of_case on reports (case_id, id);
create index reports_of_reporter on reports (reporter_id, id);

-- What moderators tell a person.
create table notices (
    id bigint not null primary key,
    user_id bigint not null references users (id) on delete cascade,
    code text not null,
    -- JSON: about what.
    subject text,
    reason text,
    created_at bigint not null
);
create index notices_of_user on notices (user_id, id);

-- When moderators barred the account.
alter table users add column suspended_at bigint;

create function audit_log_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log only grows';
end $$;
create trigger audit_log_only_grows before update or delete or truncate on audit_log
    for each statement execute function audit_log_only_grows();
