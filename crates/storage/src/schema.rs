//! The tables, as `migrations/` makes them on both databases.

#![allow(missing_docs, reason = "the migrations describe each column")]

mod addresses;
mod limits;
mod views;

pub(crate) use addresses::*;
pub(crate) use limits::*;
pub(crate) use views::*;

diesel::table! {
    log_head (id) {
        id -> SmallInt,
        epoch -> Text,
        identity -> Text,
        seq -> BigInt,
        trimmed_seq -> BigInt,
        unlogged_changes -> BigInt,
    }
}

diesel::table! {
    events (seq) {
        seq -> BigInt,
        at -> BigInt,
        kind -> Text,
        actor_id -> BigInt,
        conversation_id -> Nullable<BigInt>,
        user_id -> Nullable<BigInt>,
        position -> Nullable<BigInt>,
        object_id -> Nullable<BigInt>,
        facts -> Nullable<Text>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        purpose -> Text,
        secret -> Binary,
        created_at -> BigInt,
        retired_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        username -> Text,
        full_name -> Text,
        email -> Text,
        password_hash -> Nullable<Text>,
        about -> Nullable<Text>,
        profile_image -> Nullable<Text>,
        website_url -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        closed_at -> Nullable<BigInt>,
        suspended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    user_words (word, user_id) {
        word -> Text,
        user_id -> BigInt,
    }
}

diesel::table! {
    user_settings (user_id) {
        user_id -> BigInt,
        typing -> Bool,
        presence -> Bool,
        read_receipts -> Bool,
        pin_saved_notice -> Bool,
        version -> BigInt,
        from_mutual -> Nullable<Text>,
        from_followed -> Nullable<Text>,
        from_talked -> Nullable<Text>,
        from_followers -> Nullable<Text>,
        from_everyone -> Nullable<Text>,
    }
}

diesel::table! {
    follows (follower_id, followed_id) {
        follower_id -> BigInt,
        followed_id -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    blocks (blocker_id, blocked_id) {
        blocker_id -> BigInt,
        blocked_id -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        user_id -> BigInt,
        scopes -> Text,
        user_agent -> Nullable<Text>,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> BigInt,
        generation -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    tickets (ticket_hash) {
        ticket_hash -> Binary,
        session_id -> BigInt,
        user_id -> BigInt,
        scopes -> Text,
        token_expires_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (user_id, key) {
        user_id -> BigInt,
        key -> Text,
        route -> Text,
        body_hash -> Binary,
        outcome -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    boards (id) {
        id -> BigInt,
        owner_id -> BigInt,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        privacy -> Text,
        pin_count -> BigInt,
        pins_modified_at -> Nullable<BigInt>,
        created_at -> BigInt,
        removed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    pins (id) {
        id -> BigInt,
        owner_id -> BigInt,
        board_id -> Nullable<BigInt>,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        alt_text -> Nullable<Text>,
        link -> Nullable<Text>,
        note -> Nullable<Text>,
        dominant_color -> Nullable<Text>,
        image_url -> Text,
        parent_pin_id -> Nullable<BigInt>,
        created_at -> BigInt,
        removed_at -> Nullable<BigInt>,
        link_changed_at -> Nullable<BigInt>,
        version -> BigInt,
        link_id -> Nullable<BigInt>,
        picture_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    conversations (id) {
        id -> BigInt,
        kind -> Text,
        title -> Nullable<Text>,
        creation_key -> Nullable<Text>,
        created_by -> BigInt,
        created_at -> BigInt,
        last_position -> BigInt,
        last_message_at -> Nullable<BigInt>,
        last_pin_id -> Nullable<BigInt>,
        last_pin_position -> Nullable<BigInt>,
        last_seq -> BigInt,
        activity_seq -> BigInt,
        version -> BigInt,
        owner_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    memberships (conversation_id, user_id) {
        conversation_id -> BigInt,
        user_id -> BigInt,
        state -> Text,
        read_position -> BigInt,
        unread_flag -> Bool,
        muted_until -> Nullable<BigInt>,
        archived -> Bool,
        hidden_position -> Nullable<BigInt>,
        messages_sent -> BigInt,
        pins_sent -> BigInt,
        last_sent_at -> Nullable<BigInt>,
        created_at -> BigInt,
        version -> BigInt,
        shown_position -> BigInt,
        delivered_position -> BigInt,
        first_position -> BigInt,
    }
}

diesel::table! {
    membership_periods (user_id, conversation_id, joined_seq) {
        user_id -> BigInt,
        conversation_id -> BigInt,
        joined_seq -> BigInt,
        left_seq -> Nullable<BigInt>,
        first_position -> BigInt,
        last_position -> Nullable<BigInt>,
    }
}

diesel::table! {
    messages (conversation_id, position) {
        conversation_id -> BigInt,
        position -> BigInt,
        sender_id -> BigInt,
        kind -> Text,
        #[sql_name = "text"]
        body -> Nullable<Text>,
        pin_id -> Nullable<BigInt>,
        pin_snapshot -> Nullable<Text>,
        board_id -> Nullable<BigInt>,
        profile_id -> Nullable<BigInt>,
        reply_to -> Nullable<BigInt>,
        about_pin_id -> Nullable<BigInt>,
        client_message_id -> Nullable<Text>,
        created_at -> BigInt,
        edited_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        version -> BigInt,
        reactions -> Nullable<Text>,
        notice -> Nullable<Text>,
        board_snapshot -> Nullable<Text>,
        forwarded -> Bool,
        link_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    message_revisions (conversation_id, position, number) {
        conversation_id -> BigInt,
        position -> BigInt,
        number -> BigInt,
        #[sql_name = "text"]
        body -> Nullable<Text>,
        written_at -> BigInt,
    }
}

diesel::table! {
    message_exclusions (user_id, conversation_id, position) {
        user_id -> BigInt,
        conversation_id -> BigInt,
        position -> BigInt,
        reason -> Text,
    }
}

diesel::table! {
    heads (user_id, conversation_id) {
        user_id -> BigInt,
        conversation_id -> BigInt,
        state -> Text,
        device_id -> Nullable<Text>,
        closed_position -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    drafts (user_id, conversation_id) {
        user_id -> BigInt,
        conversation_id -> BigInt,
        #[sql_name = "text"]
        body -> Nullable<Text>,
        pin_id -> Nullable<BigInt>,
        updated_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    companion_signs (conversation_id, user_id, other_id) {
        conversation_id -> BigInt,
        user_id -> BigInt,
        state -> Text,
        other_id -> BigInt,
        other_state -> Text,
        typing -> Bool,
        other_typing -> Bool,
        presence -> Bool,
        other_presence -> Bool,
        has_blocked -> Bool,
        is_blocked -> Bool,
    }
}

diesel::table! {
    search_progress (id) {
        id -> BigInt,
        seq -> BigInt,
        conversation_id -> Nullable<BigInt>,
        position -> Nullable<BigInt>,
    }
}

diesel::table! {
    pin_marks (conversation_id, pin_id) {
        conversation_id -> BigInt,
        pin_id -> BigInt,
        reactions -> Nullable<Text>,
        saves -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> BigInt,
        work -> Text,
        due_at -> BigInt,
    }
}

diesel::table! {
    moderators (user_id) {
        user_id -> BigInt,
        granted_at -> BigInt,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> BigInt,
        actor_id -> Nullable<BigInt>,
        action -> Text,
        details -> Text,
    }
}

diesel::table! {
    cases (id) {
        id -> BigInt,
        subject -> Text,
        accused_id -> Nullable<BigInt>,
        evidence -> Text,
        state -> Text,
        claimed_by -> Nullable<BigInt>,
        claimed_at -> Nullable<BigInt>,
        resolved_at -> Nullable<BigInt>,
        action -> Nullable<Text>,
        reason -> Nullable<Text>,
        reporters -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    reports (id) {
        id -> BigInt,
        case_id -> BigInt,
        subject -> Text,
        reporter_id -> BigInt,
        category -> Text,
        comment -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    notices (id) {
        id -> BigInt,
        user_id -> BigInt,
        code -> Text,
        subject -> Nullable<Text>,
        reason -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    links,
    link_domains,
    pictures,
    cases,
    reports,
    log_head,
    events,
    signing_keys,
    users,
    user_words,
    user_settings,
    follows,
    blocks,
    sessions,
    refresh_tokens,
    tickets,
    idempotency_keys,
    boards,
    pins,
    conversations,
    memberships,
    membership_periods,
    messages,
    message_exclusions,
    message_revisions,
    heads,
    drafts,
    profile_changes,
    own_conversations,
    companions,
    members,
    message_cards,
    conversation_cards,
    search_progress,
    own_blocks,
    pin_marks,
    jobs,
    pins_seen,
    pin_sendings,
);

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(boards -> users (owner_id));
diesel::joinable!(pins -> boards (board_id));
diesel::joinable!(pins -> links (link_id));
diesel::joinable!(pins -> pictures (picture_id));
diesel::joinable!(reports -> cases (case_id));
diesel::joinable!(membership_periods -> conversations (conversation_id));
diesel::joinable!(memberships -> conversations (conversation_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(heads -> conversations (conversation_id));
