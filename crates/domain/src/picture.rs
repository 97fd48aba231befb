//! A picture: what its file tells of it.

use crate::limits;

/// The size of a picture, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSize {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// What was read from a picture's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its size.
    pub size: PictureSize,
    /// `#rrggbb`; none of a picture too large to look at, or that shows nothing.
    pub dominant_color: Option<String>,
}

impl PictureSize {
    /// Whether it shows too little to promise anything.
    #[must_use]
    pub fn is_too_small(self) -> bool {
        self.width.min(self.height) < limits::PICTURE_SIDE_MIN
    }

    /// The height of the same picture at another width, in pixels, 1 at least.
    #[must_use]
    pub fn height_at(self, width: u32) -> u32 {
        let (width, height) = (u64::from(width), u64::from(self.height));
        let own = u64::from(self.width).max(1);
        let scaled = (width * height + own / 2) / own;
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    }
}

/// Bits of each channel by which colours are told apart.
const CHANNEL_BITS: u32 = 4;

/// Pixels of like colours.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: u64,
    sums: [u64; 3],
}

/// The colour that most of a picture has, as `#rrggbb`: the mean of the most frequent like colours. None where all
/// is more transparent than not. Pixels are red, green, blue and alpha.
pub fn dominant_color(pixels: impl Iterator<Item = [u8; 4]>) -> Option<String> {
    let mut bins = vec![Bin::default(); 1 << (3 * CHANNEL_BITS)];
    for [red, green, blue, alpha] in pixels {
        if alpha < 128 {
            continue;
        }
        let channels = [red, green, blue];
        let place = channels.iter().fold(0, |place, channel| {
            (place << CHANNEL_BITS) | usize::from(channel >> (u8::BITS - CHANNEL_BITS))
        });
        let Some(bin) = bins.get_mut(place) else {
            continue;
        };
        bin.count += 1;
        for (sum, channel) in bin.sums.iter_mut().zip(channels) {
            *sum += u64::from(channel);
        }
    }
    let most = bins.into_iter().max_by_key(|bin| bin.count)?;
    let [red, green, blue] = most.sums.map(|sum| sum.checked_div(most.count));
    Some(format!("#{:02x}{:02x}{:02x}", red?, green?, blue?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size(width: u32, height: u32) -> PictureSize {
        PictureSize { width, height }
    }

    #[test]
    fn a_picture_has_a_least_size() {
        let side = limits::PICTURE_SIDE_MIN;
        assert!(!size(side, side).is_too_small());
        assert!(size(side - 1, 900).is_too_small());
        assert!(size(900, side - 1).is_too_small());
    }

    #[test]
    fn the_height_follows_the_width() {
        assert_eq!(size(600, 900).height_at(150), 225);
        assert_eq!(size(3, 2).height_at(100), 67);
        assert_eq!(size(u32::MAX, 1).height_at(150), 1);
        assert_eq!(size(1, u32::MAX).height_at(1_200), u32::MAX);
        assert_eq!(size(0, 1).height_at(1), 1);
    }

    #[test]
    fn the_dominant_colour_is_the_mean_of_the_most_frequent_like_ones() {
        let reds = [[200, 10, 10, 255], [202, 12, 14, 255], [201, 11, 12, 128]];
        let blues = [[0, 0, 255, 255], [0, 0, 128, 255]];
        let unseen = [[0, 255, 0, 127]; 9];
        let all = reds.into_iter().chain(blues).chain(unseen);
        assert_eq!(dominant_color(all).as_deref(), Some("#c90b0c"));
        let white = [[255; 4]; 5].into_iter();
        assert_eq!(dominant_color(white).as_deref(), Some("#ffffff"));
    }

    #[test]
    fn what_shows_nothing_has_no_colour() {
        assert_eq!(dominant_color(unseen()), None);
        assert_eq!(dominant_color(std::iter::empty()), None);
    }

    fn unseen() -> impl Iterator<Item = [u8; 4]> {
        std::iter::repeat_n([9, 9, 9, 0], 4)
    }
}
