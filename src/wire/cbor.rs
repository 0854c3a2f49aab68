//! SPEC 1.1: the items of deterministic CBOR (RFC 8949 section 4.2.1) that the core uses. The
//! reader notices what is longer than it has to be, so nobody has to encode again to tell.

use super::codec::DecodeError;

/// Major types (RFC 8949 section 3.1).
const NUMBER: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
/// Simple values (section 3.3), each a whole item.
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

/// Appends CBOR items to a buffer.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

// Not inlined, here and below, because there are hundreds of callers and browsers load them all.
impl Writer {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(256))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A major type with its argument, in as few bytes as hold it.
    #[inline(never)]
    fn head(&mut self, major: u8, argument: u64) {
        let [.., last] = argument.to_be_bytes();
        let (info, width) = match argument {
            0..=23 => (last, 0),
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        self.0.push(major << 5 | info);
        for place in (0..width).rev() {
            self.0.push((argument >> (8 * place)) as u8);
        }
    }

    /// The head of an array.
    #[inline(never)]
    pub fn array(&mut self, length: u64) {
        self.head(ARRAY, length);
    }

    /// An unsigned integer.
    #[inline(never)]
    pub fn number(&mut self, number: u64) {
        self.head(NUMBER, number);
    }

    /// A byte string.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A text string.
    #[inline(never)]
    pub fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A boolean.
    #[inline(never)]
    pub fn flag(&mut self, flag: bool) {
        self.0.push(if flag { TRUE } else { FALSE });
    }

    /// An absent optional value.
    #[inline(never)]
    pub fn null(&mut self) {
        self.0.push(NULL);
    }
}

/// Takes CBOR items from bytes. Where another item comes than was asked for, it gives an empty
/// one and has failed: from then on there is nothing but empty items.
#[derive(Debug)]
pub struct Reader<'b> {
    rest: &'b [u8],
    failure: Option<DecodeError>,
    is_shortest: bool,
}

impl<'b> Reader<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self {
            rest: bytes,
            failure: None,
            is_shortest: true,
        }
    }

    /// Reads `bytes` if they are not more than `limit`; otherwise the reader has failed.
    #[inline(never)]
    pub(super) fn within(limit: usize, bytes: &'b [u8]) -> Self {
        let mut reader = Self::new(bytes);
        if bytes.len() > limit {
            reader.rest = &[];
            reader.failure = Some(DecodeError::TooLarge { limit });
        }
        reader
    }

    /// Something is not as expected: the caller has found out.
    #[inline(never)]
    pub fn fail(&mut self) {
        self.rest = &[];
        self.failure.get_or_insert(DecodeError::Malformed);
    }

    /// Whether what was read is worth nothing.
    pub const fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether nothing failed, nothing is left and every item was encoded as a [`Writer`] does it.
    #[inline(never)]
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        match self.failure {
            Some(failure) => Err(failure),
            None if self.is_shortest && self.rest.is_empty() => Ok(()),
            None => Err(DecodeError::NotDeterministic),
        }
    }

    /// The argument of an item of this major type. Indefinite lengths are refused.
    #[inline(never)]
    fn head(&mut self, major: u8) -> u64 {
        let [first] = self.fixed();
        let info = first & 0x1f;
        // How many bytes hold the argument, and from which one on they are needed.
        let (width, least) = match info {
            0..=23 => (0, 0),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            _ => (8, 0x1_0000_0000),
        };
        let argument = match width {
            0 => u64::from(info),
            _ => {
                let bytes = self.take(width).iter();
                bytes.fold(0, |sum, byte| sum << 8 | u64::from(*byte))
            }
        };
        self.is_shortest &= argument >= least;
        if first >> 5 != major || info > 27 || self.has_failed() {
            self.fail();
            return 0;
        }
        argument
    }

    #[inline(never)]
    fn take(&mut self, length: u64) -> &'b [u8] {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            self.fail();
            return &[];
        };
        self.rest = rest;
        taken
    }

    fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.take(N as u64);
        taken.try_into().unwrap_or([0; N])
    }

    /// Whether exactly this byte comes next; if so it is taken.
    #[inline(never)]
    fn simple(&mut self, value: u8) -> bool {
        let Some((first, rest)) = self.rest.split_first() else {
            return false;
        };
        let comes = *first == value;
        if comes {
            self.rest = rest;
        }
        comes
    }

    /// The head of an array of exactly this length.
    #[inline(never)]
    pub fn array(&mut self, length: u64) {
        if self.head(ARRAY) != length {
            self.fail();
        }
    }

    /// The head of an array: its length. As every item takes a byte at least, one that lies is
    /// found out here and costs nothing.
    #[inline(never)]
    pub fn any_array(&mut self) -> u64 {
        let length = self.head(ARRAY);
        if length > self.rest.len() as u64 {
            self.fail();
            return 0;
        }
        length
    }

    /// An unsigned integer.
    #[inline(never)]
    pub fn number(&mut self) -> u64 {
        self.head(NUMBER)
    }

    /// A byte string.
    #[inline(never)]
    pub fn bytes(&mut self) -> &'b [u8] {
        let length = self.head(BYTES);
        self.take(length)
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
        let length = self.head(TEXT);
        core::str::from_utf8(self.take(length)).unwrap_or_else(|_| {
            self.fail();
            ""
        })
    }

    /// A boolean.
    #[inline(never)]
    pub fn flag(&mut self) -> bool {
        let flag = self.simple(TRUE);
        if !flag && !self.simple(FALSE) {
            self.fail();
        }
        flag
    }

    /// Whether an absent optional value comes next; if so it is taken.
    #[inline(never)]
    pub fn null(&mut self) -> bool {
        self.simple(NULL)
    }
}

#[cfg(test)]
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
