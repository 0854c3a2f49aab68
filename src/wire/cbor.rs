//! SPEC 1.1: the items of deterministic CBOR (RFC 8949 section 4.2.1) that the core uses, read and
//! written by minicbor. The reader notices what is longer than it has to be, so nobody has to
//! encode again to tell.

use core::convert::Infallible;

use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::codec::DecodeError;

/// Appends CBOR items to a buffer.
#[derive(Debug)]
pub struct Writer(Encoder<Buffer>);

/// Where items are written to. It grows, so writing cannot fail.
#[derive(Debug)]
struct Buffer(Vec<u8>);

impl Write for Buffer {
    type Error = Infallible;

    #[inline(never)]
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

// Not inlined, here and below, because there are hundreds of callers and browsers load them all.
impl Writer {
    pub(super) fn new() -> Self {
        Self(Encoder::new(Buffer(Vec::with_capacity(256))))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer().0
    }

    /// The head of an array.
    #[inline(never)]
    pub fn array(&mut self, length: u64) {
        let _ = self.0.array(length);
    }

    /// An unsigned integer.
    #[inline(never)]
    pub fn number(&mut self, number: u64) {
        let _ = self.0.u64(number);
    }

    /// A byte string.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.0.bytes(bytes);
    }

    /// A text string.
    #[inline(never)]
    pub fn text(&mut self, text: &str) {
        let _ = self.0.str(text);
    }

    /// A boolean.
    #[inline(never)]
    pub fn flag(&mut self, flag: bool) {
        let _ = self.0.bool(flag);
    }

    /// An absent optional value.
    #[inline(never)]
    pub fn null(&mut self) {
        let _ = self.0.null();
    }
}

/// Takes CBOR items from bytes. Where another item comes than was asked for, it gives an empty
/// one and has failed: from then on there is nothing but empty items.
#[derive(Debug)]
pub struct Reader<'b> {
    items: Decoder<'b>,
    failure: Option<DecodeError>,
    is_shortest: bool,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self {
            items: Decoder::new(bytes),
            failure: None,
            is_shortest: true,
        }
    }

    /// Reads `bytes` if they are not more than `limit`; otherwise the reader has failed.
    #[inline(never)]
    pub(super) fn within(limit: usize, bytes: &'b [u8]) -> Self {
        let mut reader = Self::new(bytes);
        if bytes.len() > limit {
            reader.failure = Some(DecodeError::TooLarge);
            reader.fail();
        }
        reader
    }

    /// Something is not as expected: the caller has found out.
    #[inline(never)]
    pub fn fail(&mut self) {
        self.items = Decoder::new(&[]);
        self.failure.get_or_insert(DecodeError::Malformed);
    }

    /// Whether what was read is worth nothing.
    pub const fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// How many bytes nobody has read.
    fn left(&self) -> usize {
        self.items
            .input()
            .len()
            .saturating_sub(self.items.position())
    }

    /// Whether nothing failed, nothing is left and every item was encoded as a [`Writer`] does it.
    #[inline(never)]
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        let left = self.left();
        match self.failure {
            Some(failure) => Err(failure),
            None if self.is_shortest && left == 0 => Ok(()),
            None => Err(DecodeError::NotDeterministic),
        }
    }

    /// An item was read whose head says `argument`, with `content` bytes behind the head.
    #[inline(never)]
    fn took(&mut self, left: usize, argument: u64, content: usize) {
        let shortest = match argument {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        };
        self.is_shortest &= left - self.left() == shortest + content;
    }

    /// The head of an array of exactly this length.
    #[inline(never)]
    pub fn array(&mut self, length: u64) {
        if self.array_head() != Some(length) {
            self.fail();
        }
    }

    /// The head of an array: its length. As every item takes a byte at least, one that lies is
    /// found out here and costs nothing.
    #[inline(never)]
    pub fn any_array(&mut self) -> u64 {
        match self.array_head() {
            Some(length) if length <= self.left() as u64 => length,
            _ => {
                self.fail();
                0
            }
        }
    }

    #[inline(never)]
    fn array_head(&mut self) -> Option<u64> {
        let left = self.left();
        let length = self.items.array().ok()??;
        self.took(left, length, 0);
        Some(length)
    }

    /// An unsigned integer.
    #[inline(never)]
    pub fn number(&mut self) -> u64 {
        let left = self.left();
        match self.items.u64() {
            Ok(number) => {
                self.took(left, number, 0);
                number
            }
            Err(_) => {
                self.fail();
                0
            }
        }
    }

    /// A byte string.
    #[inline(never)]
    pub fn bytes(&mut self) -> &'b [u8] {
        let left = self.left();
        match self.items.bytes() {
            Ok(bytes) => {
                self.took(left, bytes.len() as u64, bytes.len());
                bytes
            }
            Err(_) => {
                self.fail();
                &[]
            }
        }
    }

    /// A byte string of exactly this length.
    pub fn array_of_bytes<const N: usize>(&mut self) -> [u8; N] {
        match self.bytes().try_into() {
            Ok(bytes) => bytes,
            Err(_) => {
                self.fail();
                [0; N]
            }
        }
    }

    /// A text string.
    #[inline(never)]
    pub fn text(&mut self) -> &'b str {
        let left = self.left();
        match self.items.str() {
            Ok(text) => {
                self.took(left, text.len() as u64, text.len());
                text
            }
            Err(_) => {
                self.fail();
                ""
            }
        }
    }

    /// A boolean.
    #[inline(never)]
    pub fn flag(&mut self) -> bool {
        self.items.bool().unwrap_or_else(|_| {
            self.fail();
            false
        })
    }

    /// Whether an absent optional value comes next; if so it is taken.
    #[inline(never)]
    pub fn null(&mut self) -> bool {
        let comes = self.items.probe().null().is_ok();
        comes && self.items.null().is_ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NUMBERS: [u64; 11] = [
        0,
        23,
        24,
        0xff,
        0x100,
        0xffff,
        0x1_0000,
        0xffff_ffff,
        0x1_0000_0000,
        u64::MAX - 1,
        u64::MAX,
    ];

    fn read<'b, T>(bytes: &'b [u8], item: fn(&mut Reader<'b>) -> T) -> Option<T> {
        let mut reader = Reader::new(bytes);
        let item = item(&mut reader);
        (!reader.has_failed()).then_some(item)
    }

    #[test]
    fn a_reader_that_failed_gives_nothing_more() {
        // A byte string, where a text is asked for, and two numbers.
        let mut reader = Reader::new(&[0x41, 1, 2, 3]);
        assert_eq!(reader.text(), "");
        assert!(reader.has_failed());
        assert_eq!(reader.number(), 0);
        assert!(reader.bytes().is_empty());
        assert_eq!(reader.any_array(), 0);
        assert!(!reader.null() && !reader.flag());
    }

    #[test]
    fn items_are_written_as_another_encoder_writes_them_and_read_back() {
        for number in NUMBERS {
            let mut writer = Writer::new();
            writer.array(number);
            writer.number(number);
            writer.bytes(&[1, 2, 3]);
            writer.text("ü");
            writer.flag(true);
            writer.flag(false);
            writer.null();
            let bytes = writer.into_bytes();

            let mut other = minicbor::Encoder::new(Vec::new());
            other.array(number).unwrap().u64(number).unwrap();
            other.bytes(&[1, 2, 3]).unwrap().str("ü").unwrap();
            other.bool(true).unwrap().bool(false).unwrap();
            other.null().unwrap();
            assert_eq!(bytes, other.into_writer());

            let mut reader = Reader::new(&bytes);
            reader.array(number);
            assert_eq!(reader.number(), number);
            assert_eq!(reader.bytes(), [1, 2, 3]);
            assert_eq!(reader.text(), "ü");
            assert!(reader.flag());
            assert!(!reader.flag());
            assert!(reader.null());
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn every_head_of_one_item_means_what_it_means_to_another_decoder() {
        for first in 0..=u8::MAX {
            for next in [0, 1, 23, 24, 0xff] {
                let mut bytes = vec![first];
                bytes.extend([next; 40]);
                let other = || minicbor::Decoder::new(&bytes);
                let length = other().array().ok().flatten();
                assert_eq!(read(&bytes, Reader::number), other().u64().ok());
                assert_eq!(read(&bytes, Reader::bytes), other().bytes().ok());
                assert_eq!(read(&bytes, Reader::text), other().str().ok());
                assert_eq!(read(&bytes, Reader::flag), other().bool().ok());
                assert_eq!(
                    read(&bytes, Reader::any_array),
                    length.filter(|length| *length <= 40)
                );
                assert_eq!(Reader::new(&bytes).null(), other().null().is_ok());
            }
        }
    }

    #[test]
    fn an_argument_in_more_bytes_than_it_needs_is_noticed() {
        for number in NUMBERS {
            let shortest = {
                let mut writer = Writer::new();
                writer.number(number);
                writer.into_bytes()
            };
            for (info, width) in [(24, 1), (25, 2), (26, 4), (27, 8)] {
                if number >> (8 * width - 1) > 1 {
                    continue;
                }
                let mut bytes = vec![info];
                bytes.extend(number.to_be_bytes().iter().skip(8 - width));
                let mut reader = Reader::new(&bytes);
                assert_eq!(reader.number(), number);
                assert_eq!(reader.finish().is_ok(), bytes == shortest);
            }
        }
    }
}
