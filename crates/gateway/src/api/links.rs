//! Following links: looked at once more, and led on or warned.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use pinwire_storage::links::FollowedLink;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::error::ApiResult;
use crate::params::Params;
use crate::view::kinds::{LinkReason, LinkVerdict};

/// Why a link is not followed by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkWarning {
    /// How safe it is to follow.
    pub verdict: LinkVerdict,
    /// What is held against it.
    #[schema(max_items = 12)]
    pub reasons: Vec<LinkReason>,
    /// Where it leads, for who wants to go there all the same; null if it is blocked.
    #[schema(required, max_length = 2048, example = "https://bit.ly/1")]
    pub link: Option<String>,
    /// The addresses that it redirects to, in order, as far as somebody looked; none if it is blocked.
    #[schema(max_items = 6)]
    pub redirects: Vec<String>,
}

impl From<FollowedLink> for LinkWarning {
    fn from(followed: FollowedLink) -> Self {
        let verdict = LinkVerdict::from(followed.check.verdict);
        let is_blocked = verdict == LinkVerdict::Blocked;
        let journey = followed.journey.unwrap_or_default();
        Self {
            verdict,
            reasons: followed.check.reasons.into_iter().map(Into::into).collect(),
            link: (!is_blocked).then_some(followed.address),
            redirects: if is_blocked {
                Vec::new()
            } else {
                journey.redirects
            },
        }
    }
}

/// What is held against a link beside where it leads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FollowParams {
    /// Whether the pin's picture is too small to show what the link promises, as `click_through` has it.
    #[serde(default)]
    #[param(default = false)]
    pub small_picture: bool,
}

/// Follow a link
///
/// For who clicks: needs no token. The link is looked at once more, unless somebody did within ten minutes. If nothing is
/// held against it, the answer leads on; otherwise it says what is, and leaves the decision to the person.
#[utoipa::path(
    tag = "Links",
    params(("token" = String, Path, description = "Of `click_through`"), FollowParams),
    responses(
        (status = 200, description = "A warning", body = LinkWarning),
        (status = 302, description = "Nothing is held against it", headers(("location" = String, description = "Where it leads")))
    )
)]
#[get("/v5/links/{token}")]
pub async fn follow(
    app: web::Data<App>,
    path: web::Path<String>,
    Params(follow): Params<FollowParams>,
) -> ApiResult {
    let token = path.into_inner();
    if let Some(traveller) = &app.traveller
        && let Some(due) = app.store.inspection_of(token.clone()).await?
    {
        let journey = traveller.follow(&due.address).await;
        app.store.note_inspection(due, journey).await?;
    }
    let mut followed = app.store.follow_link(token).await?;
    if follow.small_picture {
        followed.check = followed.check.with_small_picture();
    }
    // The page that is left is nobody's business there.
    let no_referrer = (header::REFERRER_POLICY, "no-referrer");
    if followed.check.is_ok() {
        return Ok(HttpResponse::Found()
            .insert_header(no_referrer)
            .insert_header((header::LOCATION, followed.address))
            .finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header(no_referrer)
        .json(LinkWarning::from(followed)))
}
