//! What is counted to hold limits.

diesel::table! {
    attempts (key_hash) {
        key_hash -> Binary,
        free_at -> BigInt,
    }
}

diesel::table! {
    nodes (id) {
        id -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    request_marks (mark, conversation_id) {
        mark -> Text,
        conversation_id -> BigInt,
        sender_id -> BigInt,
        is_new -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    held_requests (pin_id, conversation_id) {
        pin_id -> BigInt,
        conversation_id -> BigInt,
        sender_id -> BigInt,
        receiver_id -> BigInt,
        created_at -> BigInt,
    }
}
