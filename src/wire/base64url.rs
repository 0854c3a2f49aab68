//! Base64url without padding (RFC 4648 section 5): how bytes are written as text. What is done
//! depends on how long they are, never on what they are.

/// The text of bytes.
pub fn to_base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index| chunk.get(index).copied().map_or(0, u32::from);
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=chunk.len() {
            text.push(letter(group >> (18 - 6 * place) & 63));
        }
    }
    text
}

/// The inverse of [`to_base64url`]; `None` for anything else.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut wrong = 0;
    for chunk in text.as_bytes().chunks(4) {
        let mut group = 0;
        for place in 0..4 {
            let value = chunk.get(place).map_or(0, |letter| digit(*letter));
            wrong |= value;
            group = group << 6 | value & 63;
        }
        let [_, first, second, third] = group.to_be_bytes();
        let (read, rest) = match chunk.len() {
            4 => (3, 0),
            3 => (2, third),
            2 => (1, second | third),
            _ => return None,
        };
        bytes.extend([first, second, third].into_iter().take(read));
        // Bits that no byte takes are zero, or two texts would mean the same.
        wrong |= u32::from(rest) << 8;
    }
    (wrong < 64).then_some(bytes)
}

/// What letters stand for: the first of a run of letters, the last, and what the first stands for.
const RUNS: [(u8, u8, u32); 5] = [
    (b'A', b'Z', 0),
    (b'a', b'z', 26),
    (b'0', b'9', 52),
    (b'-', b'-', 62),
    (b'_', b'_', 63),
];

/// All ones if `number` is from `first` to `last`, otherwise 0. All are below 2^31.
const fn within(number: u32, first: u32, last: u32) -> u32 {
    let outside = number.wrapping_sub(first) | last.wrapping_sub(number);
    (outside >> 31).wrapping_sub(1)
}

/// The letter for a number below 64.
fn letter(value: u32) -> char {
    let runs = RUNS.into_iter().map(|(first, last, start)| {
        let (first, last) = (u32::from(first), u32::from(last));
        within(value, start, start + last - first) & (value.wrapping_sub(start).wrapping_add(first))
    });
    char::from(runs.fold(0, |letter, other| letter | other as u8))
}

/// The number that a letter stands for, or one that is not below 64.
fn digit(letter: u8) -> u32 {
    let letter = u32::from(letter);
    let runs = RUNS.into_iter().map(|(first, last, start)| {
        let (first, last) = (u32::from(first), u32::from(last));
        within(letter, first, last)
            & (letter
                .wrapping_sub(first)
                .wrapping_add(start)
                .wrapping_add(64))
    });
    runs.fold(0, |value, other| value | other) ^ 64
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding};

    use super::*;

    #[test]
    fn bytes_of_every_length_are_written_as_another_encoder_writes_them_and_read_back() {
        for length in 0..70_u8 {
            for step in [1, 7, 85, 255] {
                let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(step)).collect();
                let text = to_base64url(&bytes);
                assert_eq!(text, Base64UrlUnpadded::encode_string(&bytes));
                assert_eq!(from_base64url(&text), Some(bytes));
            }
        }
    }

    #[test]
    fn a_text_is_read_as_another_decoder_reads_it() {
        for first in 0..=127_u8 {
            for last in 0..=127_u8 {
                let (first, last) = (char::from(first), char::from(last));
                for text in [
                    format!("{first}{last}"),
                    format!("A{first}{last}"),
                    format!("AB{first}{last}"),
                    format!("ABC{first}{last}"),
                ] {
                    let other = Base64UrlUnpadded::decode_vec(&text).ok();
                    assert_eq!(from_base64url(&text), other, "{text:?}");
                }
            }
        }
        for text in ["A", "ABCDE", "AAA=", "AB==", "é", "AAAé"] {
            assert_eq!(from_base64url(text), None, "{text}");
        }
    }
}
