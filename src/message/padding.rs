//! SPEC 5: plaintexts are padded inside the AEAD to powers of two, so that the relay learns
//! little more than "short" or "long".

use crate::crypto::secret::SecretBytes;
use crate::wire::limits;

/// The smallest padded length, in bytes.
pub(super) const SMALLEST: usize = 256;
/// The largest padded length, in bytes: that of the longest body.
pub(super) const LARGEST: usize = (limits::BODY + 1).next_power_of_two();

const PREFIX: usize = size_of::<u32>();

/// Length of the bucket that `content` bytes are padded to.
pub(super) fn padded_len(content: usize) -> usize {
    (PREFIX + content).next_power_of_two().max(SMALLEST)
}

/// `length (4 bytes, big-endian) || content || zeros`. `None` when the content is longer than
/// the largest bucket.
pub(super) fn pad(content: &[u8]) -> Option<SecretBytes> {
    let bucket = padded_len(content.len());
    if bucket > LARGEST {
        return None;
    }
    let length = u32::try_from(content.len()).ok()?;
    let mut out = SecretBytes::new(Vec::with_capacity(bucket));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(content);
    out.resize(bucket, 0);
    Some(out)
}

/// The content of a padded plaintext; `None` unless it is exactly what [`pad`] makes.
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<PREFIX>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (content, zeros) = rest.split_at_checked(length)?;
    let exact = padded.len() == padded_len(length) && zeros.iter().all(|byte| *byte == 0);
    exact.then_some(content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn sizes_are_powers_of_two_from_256() {
        for (content, padded) in [
            (0, 256),
            (1, 256),
            (252, 256),
            (253, 512),
            (508, 512),
            (509, 1024),
            (65_532, 65_536),
            (65_533, 131_072),
            (131_068, 131_072),
        ] {
            let bytes = vec![7; content];
            let out = pad(&bytes).unwrap();
            assert_eq!(out.len(), padded, "{content}");
            assert_eq!(unpad(&out), Some(bytes.as_slice()));
        }
        assert_eq!(pad(&vec![7; 131_069]), None);
    }

    #[test]
    fn only_the_one_padding_of_a_content_is_accepted() {
        let good = pad(b"content").unwrap();
        let mut with_a_one_at_the_end = good.to_vec();
        with_a_one_at_the_end[255] = 1;
        let mut in_too_large_a_bucket = good.to_vec();
        in_too_large_a_bucket.resize(512, 0);
        let mut longer_than_it_is = good.to_vec();
        longer_than_it_is[..4].copy_from_slice(&253u32.to_be_bytes());
        let mut immense = good.to_vec();
        immense[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        for bad in [
            &with_a_one_at_the_end,
            &in_too_large_a_bucket,
            &longer_than_it_is,
            &immense,
        ] {
            assert_eq!(unpad(bad), None);
        }
        for length in 0..good.len() {
            assert_eq!(unpad(&good[..length]), None);
        }
    }
}
