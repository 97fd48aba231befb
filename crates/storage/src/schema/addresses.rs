//! Addresses of the web: where pins lead, and their pictures.

diesel::table! {
    links (id) {
        id -> BigInt,
        address -> Text,
        token -> Text,
        verdict -> Text,
        reasons -> Text,
        journey -> Nullable<Text>,
        inspected_at -> Nullable<BigInt>,
        inspections -> BigInt,
        failures -> BigInt,
        created_at -> BigInt,
        is_sent -> Bool,
        due_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    link_domains (domain, link_id) {
        domain -> Text,
        link_id -> BigInt,
    }
}

diesel::table! {
    blocked_domains (domain) {
        domain -> Text,
        reason -> Nullable<Text>,
        blocked_by -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    pictures (id) {
        id -> BigInt,
        address -> Text,
        width -> Nullable<BigInt>,
        height -> Nullable<BigInt>,
        dominant_color -> Nullable<Text>,
        failures -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}
