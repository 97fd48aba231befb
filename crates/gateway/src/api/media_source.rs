//! Where the picture of a new pin comes from.

use serde::Deserialize;
use utoipa::ToSchema;

use super::v5::{self, NotOffered};
use crate::error::{ApiError, ApiResult, reasons};

/// The sources that API v5 knows; only `image_url` is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PinMediaSourceType)]
enum SourceType {
    ImageUrl,
    ImageBase64,
    VideoId,
    MultipleImageBase64,
    MultipleImageUrls,
    PinUrl,
}

/// The picture of a new pin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PinMediaSource)]
pub struct MediaSourceBody {
    /// Only `image_url` is offered.
    source_type: SourceType,
    /// The address of the picture: http or https. Nothing waits for it: its size and colour are read later.
    #[schema(required, value_type = String, max_length = 2048, example = "https://img.example/cat.jpg")]
    url: Option<String>,
    /// Only true is taken: all pins are standard ones.
    #[schema(default = true)]
    is_standard: Option<bool>,
    #[serde(default)]
    content_type: NotOffered,
    #[serde(default)]
    cover_image_content_type: NotOffered,
    #[serde(default)]
    cover_image_data: NotOffered,
    #[serde(default)]
    cover_image_key_frame_time: NotOffered,
    #[serde(default)]
    cover_image_url: NotOffered,
    #[serde(default)]
    data: NotOffered,
    #[serde(default)]
    index: NotOffered,
    #[serde(default)]
    is_affiliate_link: NotOffered,
    #[serde(default)]
    items: NotOffered,
    #[serde(default)]
    media_id: NotOffered,
}

impl MediaSourceBody {
    /// The address of the picture.
    ///
    /// # Errors
    /// 422 for another source than an address; 400 without the address.
    pub fn image_url(&self) -> ApiResult<&str> {
        let other = self.source_type != SourceType::ImageUrl;
        v5::refuse([
            ("media_source.source_type", other),
            ("media_source.is_standard", self.is_standard == Some(false)),
            ("media_source.content_type", self.content_type.given()),
            (
                "media_source.cover_image_content_type",
                self.cover_image_content_type.given(),
            ),
            (
                "media_source.cover_image_data",
                self.cover_image_data.given(),
            ),
            (
                "media_source.cover_image_key_frame_time",
                self.cover_image_key_frame_time.given(),
            ),
            ("media_source.cover_image_url", self.cover_image_url.given()),
            ("media_source.data", self.data.given()),
            ("media_source.index", self.index.given()),
            (
                "media_source.is_affiliate_link",
                self.is_affiliate_link.given(),
            ),
            ("media_source.items", self.items.given()),
            ("media_source.media_id", self.media_id.given()),
        ])?;
        self.url.as_deref().ok_or_else(|| {
            ApiError::new(reasons::MALFORMED_BODY, "media_source.url is missing")
                .field("media_source.url", "missing")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_url(json: &str) -> Result<String, (&'static str, String)> {
        let source: MediaSourceBody = crate::body::parse(json.as_bytes()).unwrap();
        source
            .image_url()
            .map(str::to_owned)
            .map_err(|e| (e.reason().slug, e.message().to_owned()))
    }

    #[test]
    fn an_address_is_taken_with_the_other_fields_null_or_default() {
        let given = r#"{"source_type":"image_url","url":"https://a.example/x","is_standard":true,"data":null}"#;
        assert_eq!(image_url(given).as_deref(), Ok("https://a.example/x"));
    }

    #[test]
    fn other_sources_are_refused_by_name() {
        for source in [
            r#"{"source_type":"image_base64","content_type":"image/png","data":"AA=="}"#,
            r#"{"source_type":"video_id","media_id":"1"}"#,
            r#"{"source_type":"multiple_image_urls","items":[{"url":"x"}],"index":0}"#,
            r#"{"source_type":"multiple_image_base64","items":[]}"#,
            r#"{"source_type":"pin_url","is_affiliate_link":false}"#,
        ] {
            let refused = (
                "unsupported",
                "media_source.source_type is not supported".to_owned(),
            );
            assert_eq!(image_url(source), Err(refused), "{source}");
        }
    }

    #[test]
    fn fields_of_other_sources_are_refused_by_name() {
        let given = r#"{"source_type":"image_url","url":"https://a.example/x","media_id":"1"}"#;
        let refused = (
            "unsupported",
            "media_source.media_id is not supported".to_owned(),
        );
        assert_eq!(image_url(given), Err(refused));
    }

    #[test]
    fn an_address_that_is_missing_is_named() {
        let missing = ("malformed_body", "media_source.url is missing".to_owned());
        assert_eq!(image_url(r#"{"source_type":"image_url"}"#), Err(missing));
    }
}
