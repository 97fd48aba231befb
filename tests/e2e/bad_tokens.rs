//! Tokens that are no good.

use pinwire_tests::{Person, World, json, on_both_profiles};
use reqwest::Method;

use crate::mint::{Mint, now_s};

on_both_profiles!(
    only_a_genuine_token_is_taken,
    a_token_does_only_what_its_scopes_allow,
    unknown_people_and_wrong_passwords_look_alike,
    a_socket_ends_with_its_token_unless_renewed,
);

/// Tokens that only look genuine, each with what is wrong.
fn no_good(mint: &Mint, genuine: &str) -> Vec<(&'static str, String)> {
    let claiming = |changed| mint.signs(&changed);
    let headed = |changed| mint.signs_with(&changed, &json!({}));
    let (head, signature) = genuine.rsplit_once('.').unwrap();
    let cut = &signature[..signature.len() - 4];
    vec![
        ("expired", claiming(json!({"exp": now_s() - 10}))),
        ("without an end", claiming(json!({"exp": null}))),
        ("of another issuer", claiming(json!({"iss": "somebody"}))),
        ("for somebody else", claiming(json!({"aud": "somebody"}))),
        ("of nobody", claiming(json!({"sub": "no-id"}))),
        ("of another kind", headed(json!({"typ": "JWT"}))),
        ("of a key nobody knows", headed(json!({"kid": "77"}))),
        ("of no named key", headed(json!({"kid": null}))),
        (
            "with a key to fetch",
            headed(json!({"jku": "https://a.example"})),
        ),
        ("forged", mint.forges()),
        ("signed by HMAC", mint.signs_by_hmac()),
        ("alg none", mint.assembles(&json!({"alg": "none"}), b"")),
        ("alg None", mint.assembles(&json!({"alg": "None"}), b"x")),
        ("without a signature", format!("{head}.")),
        ("with a cut signature", format!("{head}.{cut}")),
        ("half of one", head.to_owned()),
        ("too long", format!("{head}.{}", "A".repeat(5_000))),
        ("nonsense", "nonsense".to_owned()),
        ("nothing", String::new()),
    ]
}

async fn only_a_genuine_token_is_taken(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mint = Mint::of(world, &ana);
    let genuine = mint.signs(&json!({}));
    ana.api
        .with_token(&genuine)
        .get("/v5/user_account")
        .await
        .is(200);

    let before = world.database.row_counts();
    for (what, token) in &no_good(&mint, &genuine) {
        let holder = Person {
            api: ana.api.with_token(token),
            ..ana.clone()
        };
        let answer = holder.api.get("/v5/user_account").await;
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer"),
            "{what}: {answer}"
        );
        answer.is_refused(401, "unauthenticated");
        let answer = holder
            .sends(&pin)
            .asks("separate", &json!([{"user_id": bob.id}]))
            .await;
        answer.is_refused(401, "unauthenticated");
        assert_eq!(holder.socket().try_open().await.err(), Some(401), "{what}");
    }
    // Genuine, but of no session that is signed in.
    for changed in [json!({"sub": bob.id}), json!({"sid": "77"})] {
        let holder = ana.api.with_token(&mint.signs(&changed));
        holder
            .get("/v5/user_account")
            .await
            .is_refused(401, "signed_out");
    }
    for value in ["Basic YW5hOng=", &format!("Token {genuine}"), "Bearer"] {
        let request = world.api().request(Method::GET, "/v5/user_account");
        let answer = request.header("authorization", value).send().await;
        answer.is_refused(401, "unauthenticated");
    }
    assert_eq!(world.database.row_counts(), before);
}

async fn a_token_does_only_what_its_scopes_allow(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let form = [
        ("grant_type", "password"),
        ("username", "ana"),
        ("password", "correct horse battery"),
        ("scope", "pins:read boards:read"),
    ];
    let tokens = world
        .api()
        .request(Method::POST, "/v5/oauth/token")
        .form(&form)
        .send()
        .await
        .is(200);
    assert_eq!(tokens["scope"], "pins:read boards:read");
    let reader = ana.with_tokens(&tokens);
    let before = world.database.row_counts();

    let path = format!("/v5/pins/{}", pin.id);
    reader.api.get(&path).await.is(200);
    let answer = reader
        .sends(&pin)
        .asks("separate", &json!([{"user_id": bob.id}]))
        .await;
    let message = answer.is_refused(403, "missing_scope")["message"].clone();
    assert_eq!(
        message,
        "the token lacks messages:write conversations:write"
    );
    reader
        .api
        .get("/v5/sync")
        .await
        .is_refused(403, "missing_scope");
    assert_eq!(reader.socket().try_open().await.err(), Some(403));
    assert_eq!(world.database.row_counts(), before);
}

async fn unknown_people_and_wrong_passwords_look_alike(world: &World) {
    let ana = world.person("ana").await;
    let nobody = Person {
        username: "nobody.here".to_owned(),
        ..ana.clone()
    };
    let before = world.database.row_counts();
    let mut wrong = ana
        .asks_for_tokens("wrong horse battery")
        .await
        .is_refused(401, "wrong_credentials");
    let mut unknown = nobody
        .asks_for_tokens("wrong horse battery")
        .await
        .is_refused(401, "wrong_credentials");
    for answer in [&mut wrong, &mut unknown] {
        answer["request_id"].take();
    }
    assert_eq!(wrong, unknown);
    assert_eq!(world.database.row_counts(), before);
}

async fn a_socket_ends_with_its_token_unless_renewed(world: &World) {
    let ana = world.person("ana").await;
    let other = world.person("bob").await;
    let mint = Mint::of(world, &ana);
    let short = mint.signs(&json!({"exp": now_s() + 3}));
    let holder = Person {
        api: ana.api.with_token(&short),
        ..ana.clone()
    };
    let mut renewed = holder.connects().await;
    let mut forgotten = holder.connects().await;

    let foreign = other.api.token.as_deref().unwrap();
    let answer = renewed
        .asks(json!({"type": "auth.refresh", "access_token": foreign}))
        .await;
    assert_eq!(answer["error"], "unauthenticated", "{answer}");
    let fresh = ana.api.token.as_deref().unwrap();
    let answer = renewed
        .asks(json!({"type": "auth.refresh", "access_token": fresh}))
        .await;
    assert_eq!(answer["type"], "ok", "{answer}");

    crate::frames::is_closed(&mut forgotten, 4003, "signed_out").await;
    let answer = renewed.asks(json!({"type": "ping"})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
}
