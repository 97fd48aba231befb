//! Pictures in their sizes.

use std::str::FromStr;

use pinwire_domain::picture::PictureSize;
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
    /// The sizes of the picture at `url`, whose own is `size`, if known.
    #[must_use]
    pub fn of(template: Option<&ImageTemplate>, url: &str, size: Option<PictureSize>) -> Self {
        let image = |width| {
            let served = size.map(|own| match template {
                Some(_) => (width, own.height_at(width)),
                None => (own.width, own.height),
            });
            ImageView {
                url: address(template, url, width),
                width: served.map(|(width, _)| width.into()),
                height: served.map(|(_, height)| height.into()),
            }
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
        let size = PictureSize {
            width: 600,
            height: 900,
        };
        for (size, width, height) in [(None, None, None), (Some(size), Some(600), Some(900))] {
            let sizes = serde_json::to_value(ImageSizesView::of(None, PICTURE, size)).unwrap();
            let image = serde_json::json!({ "url": PICTURE, "width": width, "height": height });
            assert_eq!(
                sizes,
                serde_json::json!({
                    "150x150": image, "400x300": image, "600x": image, "1200x": image
                })
            );
        }
    }

    #[test]
    fn through_a_template_every_size_has_its_width() {
        let template: ImageTemplate = "https://proxy.example/{width}/{url}".parse().unwrap();
        let size = PictureSize {
            width: 600,
            height: 900,
        };
        let sizes = ImageSizesView::of(Some(&template), PICTURE, Some(size));
        let of = |image: ImageView| (image.width, image.height);
        assert_eq!(of(sizes.thumbnail), (Some(150), Some(225)));
        assert_eq!(of(sizes.large), (Some(1_200), Some(1_800)));
        let unknown = ImageSizesView::of(Some(&template), PICTURE, None);
        assert_eq!(of(unknown.medium), (None, None));
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
