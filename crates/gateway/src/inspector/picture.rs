//! Reading a picture's file: JPEG, PNG, GIF or WebP.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use pinwire_domain::limits;
use pinwire_domain::picture::{Picture, PictureSize, dominant_color};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::journey::File;

/// Bytes that a picture may need to be looked at: four for each pixel, twice.
const MEMORY_MAX: u64 = 8 * limits::PICTURE_PIXELS_MAX;

/// Pictures are looked at one after the other, so that many cost no more memory than one.
static ONE: Semaphore = Semaphore::const_new(1);

/// What a file tells; none if it is no picture that can be read.
pub(super) async fn read(file: File) -> Option<Picture> {
    let turn = ONE.acquire().await;
    let picture = spawn_blocking(move || look(&file)).await;
    drop(turn);
    picture.unwrap_or_else(|error| {
        tracing::warn!(%error, "a picture could not be read");
        None
    })
}

fn look(file: &File) -> Option<Picture> {
    let reader = ImageReader::new(Cursor::new(&file.bytes));
    let mut reader = reader.with_guessed_format().ok()?;
    let mut bounds = Limits::default();
    bounds.max_alloc = Some(MEMORY_MAX);
    reader.limits(bounds);
    // The decoder of WebP takes a file's word for how long what tells of the turn is, and asks for as much memory.
    let may_be_turned = reader.format() != Some(ImageFormat::WebP);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return None;
    }
    let turn = may_be_turned.then(|| decoder.orientation().ok()).flatten();
    let is_turned = turn.is_some_and(|turn| {
        matches!(
            turn,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        )
    });
    let (width, height) = if is_turned {
        (height, width)
    } else {
        (width, height)
    };
    let size = PictureSize { width, height };
    let pixels = u64::from(width) * u64::from(height);
    let is_seen = file.is_whole && pixels <= limits::PICTURE_PIXELS_MAX;
    let seen = is_seen.then(|| DynamicImage::from_decoder(decoder).ok());
    let color = seen.flatten().and_then(|image| {
        let image = image.into_rgba8();
        dominant_color(image.pixels().map(|pixel| pixel.0))
    });
    Some(Picture {
        size,
        dominant_color: color,
    })
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    const ALL: [ImageFormat; 4] = [
        ImageFormat::Gif,
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
    ];

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let image = RgbImage::from_pixel(width, height, Rgb([200, 100, 50]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn whole(bytes: Vec<u8>) -> File {
        File {
            bytes,
            is_whole: true,
        }
    }

    const fn size(width: u32, height: u32) -> PictureSize {
        PictureSize { width, height }
    }

    #[test]
    fn each_format_tells_its_size_and_colour() {
        for format in ALL {
            let found = look(&whole(file(120, 80, format))).unwrap();
            assert_eq!(found.size, size(120, 80), "{format:?}");
            let color = found.dominant_color.unwrap();
            let channel = |at: usize| i32::from_str_radix(&color[at..at + 2], 16).unwrap();
            for (at, wanted) in [(1, 200), (3, 100), (5, 50)] {
                // JPEG and GIF do not keep colours exactly.
                assert!((channel(at) - wanted).abs() <= 8, "{format:?}: {color}");
            }
        }
    }

    #[test]
    fn of_the_beginning_of_a_file_the_size_is_known() {
        let png = file(500, 400, ImageFormat::Png);
        let beginning = File {
            bytes: png[..100].to_vec(),
            is_whole: false,
        };
        let found = look(&beginning).unwrap();
        assert_eq!((found.size, found.dominant_color), (size(500, 400), None));
    }

    #[test]
    fn a_picture_that_says_to_be_turned_is_shown_so() {
        // An EXIF block with one entry: orientation 6, a quarter turn to the right.
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let jpeg = file(120, 80, ImageFormat::Jpeg);
        let mut turned = jpeg[..2].to_vec();
        turned.extend([0xff, 0xe1, 0, u8::try_from(exif.len() + 2).unwrap()]);
        turned.extend(exif);
        turned.extend(&jpeg[2..]);
        assert_eq!(look(&whole(turned)).unwrap().size, size(80, 120));
    }

    #[test]
    fn nobody_asks_webp_how_it_is_turned() {
        let plain = file(120, 80, ImageFormat::WebP);
        let chunk = |name: &[u8; 4], length: u32, data: &[u8]| {
            let mut chunk = name.to_vec();
            chunk.extend(length.to_le_bytes());
            chunk.extend(data);
            chunk
        };
        // The extended form, with the flag for EXIF and the picture's size less one, and EXIF at the end.
        let head = [0x08, 0, 0, 0, 119, 0, 0, 79, 0, 0];
        let mut body = b"WEBP".to_vec();
        body.extend(chunk(b"VP8X", 10, &head));
        body.extend(&plain[12..]);
        let turned = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        body.extend(chunk(b"EXIF", 26, turned));
        let length = u32::try_from(body.len()).unwrap();
        let file = whole(chunk(b"RIFF", length, &body));
        assert_eq!(look(&file).unwrap().size, size(120, 80));
    }

    #[test]
    fn the_colour_of_a_large_picture_is_not_looked_for() {
        let side = u32::try_from(limits::PICTURE_PIXELS_MAX.isqrt()).unwrap();
        let at = look(&whole(file(side, side, ImageFormat::Png))).unwrap();
        assert!(at.dominant_color.is_some());
        let past = look(&whole(file(side, side + 1, ImageFormat::Png))).unwrap();
        assert_eq!(
            (past.size, past.dominant_color),
            (size(side, side + 1), None)
        );
    }

    #[test]
    fn what_is_no_picture_tells_nothing() {
        for bytes in [
            &b""[..],
            b"<html>",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"GIF89a",
        ] {
            assert_eq!(look(&whole(bytes.to_vec())), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_file_that_promises_more_than_it_holds_costs_no_memory() {
        // A PNG whose header says 2^31 - 1 pixels each way.
        let mut bomb = file(1, 1, ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        let found = look(&whole(bomb));
        assert!(found.is_none_or(|it| it.dominant_color.is_none()));
    }
}
