//! The views, which are only read.

diesel::table! {
    profile_changes (seq) {
        seq -> BigInt,
        at -> BigInt,
        kind -> Text,
        actor_id -> BigInt,
        conversation_id -> Nullable<BigInt>,
        user_id -> Nullable<BigInt>,
        position -> Nullable<BigInt>,
        object_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    own_conversations (user_id, conversation_id) {
        user_id -> BigInt,
        conversation_id -> BigInt,
        state -> Text,
        read_position -> BigInt,
        unread_flag -> Bool,
        muted_until -> Nullable<BigInt>,
        archived -> Bool,
        hidden_position -> Nullable<BigInt>,
        uncounted -> BigInt,
        last_position -> BigInt,
        activity_seq -> BigInt,
        stands_at -> BigInt,
    }
}

diesel::table! {
    companions (user_id, other_id) {
        user_id -> BigInt,
        state -> Text,
        messages_sent -> BigInt,
        pins_sent -> BigInt,
        last_sent_at -> Nullable<BigInt>,
        other_id -> BigInt,
        other_state -> Text,
        other_messages_sent -> BigInt,
        other_last_sent_at -> Nullable<BigInt>,
        kind -> Text,
        last_message_at -> Nullable<BigInt>,
        activity_seq -> BigInt,
    }
}

diesel::table! {
    members (conversation_id, user_id) {
        conversation_id -> BigInt,
        user_id -> BigInt,
        state -> Text,
        read_position -> BigInt,
        unread_flag -> Bool,
        muted_until -> Nullable<BigInt>,
        archived -> Bool,
        hidden_position -> Nullable<BigInt>,
        created_at -> BigInt,
        version -> BigInt,
        uncounted -> BigInt,
        last_excluded -> Nullable<BigInt>,
        first_position -> BigInt,
        username -> Text,
        full_name -> Text,
        profile_image -> Nullable<Text>,
        user_version -> BigInt,
        // Null without a head, as a whole.
        head_state -> Text,
        head_device_id -> Nullable<Text>,
        head_closed_position -> BigInt,
        head_version -> BigInt,
        shown_position -> BigInt,
        read_receipts -> Bool,
        delivered_position -> BigInt,
        has_blocks -> Bool,
        // Null unless something is withheld, as a whole.
        still_position -> BigInt,
        still_at -> Nullable<BigInt>,
        still_seq -> Nullable<BigInt>,
        still_image -> Nullable<Text>,
    }
}

diesel::table! {
    message_cards (conversation_id, position) {
        conversation_id -> BigInt,
        position -> BigInt,
        sender_id -> BigInt,
        message_kind -> Text,
        #[sql_name = "text"]
        body -> Nullable<Text>,
        pin_snapshot -> Nullable<Text>,
        client_message_id -> Nullable<Text>,
        sent_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        message_version -> BigInt,
        username -> Text,
        full_name -> Text,
        profile_image -> Nullable<Text>,
        user_version -> BigInt,
        pin_version -> Nullable<BigInt>,
        pin_link -> Nullable<Text>,
        edited_at -> Nullable<BigInt>,
        reactions -> Nullable<Text>,
        notice -> Nullable<Text>,
        extras -> Nullable<Text>,
        link_check -> Nullable<Text>,
    }
}

diesel::table! {
    conversation_cards (id) {
        id -> BigInt,
        kind -> Text,
        title -> Nullable<Text>,
        created_by -> BigInt,
        created_at -> BigInt,
        last_position -> BigInt,
        last_message_at -> Nullable<BigInt>,
        activity_seq -> BigInt,
        version -> BigInt,
        last_pin_image -> Nullable<Text>,
        last_pin_position -> Nullable<BigInt>,
        owner_id -> Nullable<BigInt>,
        // Null without a message, as a whole.
        position -> BigInt,
        sender_id -> BigInt,
        message_kind -> Text,
        #[sql_name = "text"]
        body -> Nullable<Text>,
        pin_snapshot -> Nullable<Text>,
        client_message_id -> Nullable<Text>,
        sent_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        message_version -> BigInt,
        username -> Text,
        full_name -> Text,
        profile_image -> Nullable<Text>,
        user_version -> BigInt,
        pin_version -> Nullable<BigInt>,
        pin_link -> Nullable<Text>,
        edited_at -> Nullable<BigInt>,
        reactions -> Nullable<Text>,
        notice -> Nullable<Text>,
        extras -> Nullable<Text>,
        link_check -> Nullable<Text>,
    }
}

diesel::table! {
    own_blocks (user_id, conversation_id, block) {
        user_id -> BigInt,
        conversation_id -> BigInt,
        block -> BigInt,
        oldest_at -> BigInt,
        newest_at -> BigInt,
        entries -> Text,
        first_position -> BigInt,
    }
}

diesel::table! {
    pins_seen (user_id, conversation_id, pin_id, position) {
        user_id -> BigInt,
        conversation_id -> BigInt,
        pin_id -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    pin_sendings (conversation_id, position) {
        conversation_id -> BigInt,
        pin_id -> BigInt,
        position -> BigInt,
        pin_snapshot -> Text,
        place -> BigInt,
        pin_version -> Nullable<BigInt>,
        pin_link -> Nullable<Text>,
        link_check -> Nullable<Text>,
    }
}
