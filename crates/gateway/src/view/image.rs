//! Pictures in their sizes.

use std::str::FromStr;

use serde::Serialize;
use url::{Url, form_urlencoded};
use utoipa::ToSchema;

/// The sizes of `media.images`, each under its name in API v5.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImageSizes)]
pub struct ImageSizesView {
    /// A thumbnail.
    #[serde(rename = "150x150")]
    pub thumbnail: ImageView,
    /// A cover.
    #[serde(rename = "400x300")]
    pub cover: ImageView,
    /// 600 pixels wide.
    #[serde(rename = "600x")]
    pub medium: ImageView,
    /// 1200 pixels wide.
    #[serde(rename = "1200x")]
    pub large: ImageView,
}

/// A picture in one size.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Image)]
pub struct ImageView {
    /// Where it is.
    #[schema(format = "uri", example = "https://img.example/cat.jpg")]
    pub url: String,
    /// Pixels; null while unknown.
    #[schema(required)]
    pub width: Option<i64>,
    /// Pixels; null while unknown.
    #[schema(required)]
    pub height: Option<i64>,
}

/// Where pictures are served in real sizes: an address with `{width}` and `{url}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageTemplate(String);

impl FromStr for ImageTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let template = Self(text.to_owned());
        for name in ["{width}", "{url}"] {
            if !text.contains(name) {
                return Err(format!("must hold `{name}`"));
            }
        }
        match Url::parse(&template.fill("https://img.example/", 600)) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(template),
            _ => Err("must be an address that begins with http:// or https://".into()),
        }
    }
}

impl ImageTemplate {
    fn fill(&self, url: &str, width: u32) -> String {
        let encoded: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        self.0
            .replace("{width}", &width.to_string())
            .replace("{url}", &encoded)
    }
}

/// The address of a picture for this width: its own, where no template is set.
#[must_use]
pub fn address(template: Option<&ImageTemplate>, url: &str, width: u32) -> String {
    template.map_or_else(|| url.to_owned(), |template| template.fill(url, width))
}

impl ImageSizesView {
    /// The sizes of the picture at `url`.
    #[must_use]
    pub fn of(template: Option<&ImageTemplate>, url: &str) -> Self {
        let image = |width| ImageView {
            url: address(template, url, width),
            width: None,
            height: None,
        };
        Self {
            thumbnail: image(THUMBNAIL_WIDTH),
            cover: image(COVER_WIDTH),
            medium: image(600),
            large: image(1_200),
        }
    }
}

/// Pixels of a thumbnail.
pub const THUMBNAIL_WIDTH: u32 = 150;
/// Pixels of a cover.
pub const COVER_WIDTH: u32 = 400;

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: &str = "https://img.example/cat.jpg?a=1&b=2";

    #[test]
    fn without_a_template_every_size_is_the_picture_itself() {
        let sizes = serde_json::to_value(ImageSizesView::of(None, PICTURE)).unwrap();
        let image = serde_json::json!({ "url": PICTURE, "width": null, "height": null });
        assert_eq!(
            sizes,
            serde_json::json!({
                "150x150": image, "400x300": image, "600x": image, "1200x": image
            })
        );
    }

    #[test]
    fn a_template_gets_the_width_and_the_address_encoded() {
        let template: ImageTemplate = "https://proxy.example/w{width}/{url}".parse().unwrap();
        assert_eq!(
            address(Some(&template), PICTURE, 600),
            "https://proxy.example/w600/https%3A%2F%2Fimg.example%2Fcat.jpg%3Fa%3D1%26b%3D2"
        );
    }

    #[test]
    fn a_template_of_no_use_is_refused() {
        for bad in [
            "https://proxy.example/{url}",
            "https://proxy.example/{width}",
            "{width}/{url}",
            "ftp://proxy.example/{width}/{url}",
        ] {
            assert!(bad.parse::<ImageTemplate>().is_err(), "{bad}");
        }
    }
}
