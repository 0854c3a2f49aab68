//! A reader for the JSON of identity tokens (RFC 8259), strict where leniency would let two
//! readers see two things: a name twice in an object, a lone surrogate or trailing text are
//! refused. Tokens are small, so values are owned and nesting is bounded.

/// A JSON value, as far as claims need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// `null`, `true`, `false` and numbers that are no [`Json::Integer`].
    Other,
    /// A number without sign, fraction and exponent, below 2^53.
    Integer(u64),
    String(String),
    /// Items, each with an empty name.
    Array(Vec<(String, Json)>),
    /// Members, each with a name of its own.
    Object(Vec<(String, Json)>),
}

/// How deep arrays and objects may be nested.
const DEPTH: usize = 8;
/// Integers up to here are the same in every JSON implementation (RFC 7493 section 2.2).
const LARGEST_INTEGER: u64 = (1 << 53) - 1;

impl Json {
    /// Reads one value that is the whole text.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(text).ok()?;
        let mut reader = Reader {
            rest: text.as_bytes(),
            failed: false,
        };
        let value = reader.value(0);
        (!reader.failed && reader.rest.is_empty()).then_some(value)
    }

    /// The member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let member = members.iter().find(|(key, _)| key == name);
        member.map(|(_, value)| value)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) const fn as_integer(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// Where something else comes than may come, the reader has failed: from then on there is nothing
/// left to read, and what was read means nothing.
struct Reader<'a> {
    /// Of a text in UTF-8.
    rest: &'a [u8],
    failed: bool,
}

impl Reader<'_> {
    fn fail(&mut self) {
        self.rest = &[];
        self.failed = true;
    }

    /// The byte that comes next. At the end it is 0, which may come nowhere.
    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or_default()
    }

    fn next(&mut self) -> u8 {
        let next = self.peek();
        self.rest = self.rest.get(1..).unwrap_or_default();
        next
    }

    /// Takes a byte if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let comes = self.peek() == byte;
        if comes {
            self.next();
        }
        comes
    }

    fn expect(&mut self, token: &[u8]) {
        match self.rest.strip_prefix(token) {
            Some(rest) => self.rest = rest,
            None => self.fail(),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.next();
        }
    }

    /// A value and the space around it.
    fn value(&mut self, depth: usize) -> Json {
        self.skip_space();
        let value = match self.peek() {
            b'{' => Json::Object(self.members(depth, b'}')),
            b'[' => Json::Array(self.members(depth, b']')),
            b'"' => Json::String(self.string()),
            b'n' => self.word(b"null"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            _ => self.number(),
        };
        self.skip_space();
        value
    }

    fn word(&mut self, word: &[u8]) -> Json {
        self.expect(word);
        Json::Other
    }

    /// What is between brackets, with commas between.
    fn members(&mut self, depth: usize, close: u8) -> Vec<(String, Json)> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.next();
        self.skip_space();
        if depth == DEPTH {
            self.fail();
        } else if self.take(close) {
            return members;
        }
        loop {
            let mut name = String::new();
            if close == b'}' {
                self.skip_space();
                name = self.string();
                self.skip_space();
                self.expect(b":");
                if members.iter().any(|(known, _)| *known == name) {
                    self.fail();
                }
            }
            members.push((name, self.value(depth + 1)));
            if self.take(close) {
                return members;
            }
            self.expect(b",");
            if self.failed {
                return members;
            }
        }
    }

    fn string(&mut self) -> String {
        self.expect(b"\"");
        let mut text = Vec::new();
        loop {
            match self.next() {
                b'"' => break,
                b'\\' => {
                    let escaped = self.escape();
                    text.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                ..b' ' => {
                    self.fail();
                    break;
                }
                plain => text.push(plain),
            }
        }
        // UTF-8, as it was cut next to ASCII only.
        String::from_utf8(text).unwrap_or_default()
    }

    fn escape(&mut self) -> char {
        let code = match self.next() {
            same @ (b'"' | b'\\' | b'/') => same.into(),
            b'b' => 0x8,
            b'f' => 0xc,
            b'n' => 0xa,
            b'r' => 0xd,
            b't' => 0x9,
            b'u' => self.code_units(),
            _ => NONE,
        };
        // A low surrogate alone is none either.
        char::from_u32(code).unwrap_or_else(|| {
            self.fail();
            char::default()
        })
    }

    /// A code point as one or two units of UTF-16.
    fn code_units(&mut self) -> u32 {
        let unit = self.code_unit();
        if !(0xd800..0xdc00).contains(&unit) {
            return unit;
        }
        self.expect(b"\\u");
        match self.code_unit() {
            low @ 0xdc00..0xe000 => 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
            _ => NONE,
        }
    }

    /// Four hexadecimal digits.
    fn code_unit(&mut self) -> u32 {
        let mut unit = 0;
        for _ in 0..4 {
            match char::from(self.next()).to_digit(16) {
                Some(digit) => unit = unit << 4 | digit,
                None => self.fail(),
            }
        }
        unit
    }

    fn number(&mut self) -> Json {
        let mut is_integer = !self.take(b'-');
        // No leading zero.
        let whole = if self.take(b'0') { 0 } else { self.digits() };
        if self.take(b'.') {
            is_integer = false;
            self.digits();
        }
        if self.take(b'e') || self.take(b'E') {
            is_integer = false;
            let _ = self.take(b'+') || self.take(b'-');
            self.digits();
        }
        if is_integer && whole <= LARGEST_INTEGER {
            Json::Integer(whole)
        } else {
            Json::Other
        }
    }

    /// At least one digit. A number above the largest integer is some number above it.
    fn digits(&mut self) -> u64 {
        if !self.peek().is_ascii_digit() {
            self.fail();
        }
        let mut number = 0_u64;
        while self.peek().is_ascii_digit() {
            let digit = self.next() - b'0';
            number = number.min(LARGEST_INTEGER + 1) * 10 + u64::from(digit);
        }
        number
    }
}

/// No code point.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(text: &str) -> Option<Json> {
        Json::parse(text.as_bytes())
    }

    #[test]
    fn json_is_read_as_rfc_8259_says() {
        for text in [
            "{}",
            "[]",
            " { \"a\" : [ 1 , -2.5e+3 , 0 , null , true , false ] } ",
            "\"\"",
            "1E9",
            "-0",
            "0.0",
        ] {
            assert!(parse(text).is_some(), "{text}");
        }
        assert_eq!(
            parse(r#""\"\\\/\b\f\n\r\té\u0041\ud83d\ude00""#),
            Some(Json::String("\"\\/\u{8}\u{c}\n\r\té\u{41}😀".into()))
        );
        assert_eq!(parse("1300819380"), Some(Json::Integer(1_300_819_380)));
        for other in [
            "9007199254740992",
            "1.0",
            "1e0",
            "-1",
            "99999999999999999999",
        ] {
            assert_eq!(parse(other), Some(Json::Other), "{other}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "{\"a\"}",
            "{\"a\":1,}",
            "[1,]",
            "[1 2]",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "{a:1}",
            "'a'",
            "01",
            "+1",
            ".5",
            "1.",
            "1e",
            "-",
            "nul",
            "truefalse",
            "{} {}",
            "\"\u{1}\"",
            "\"\n\"",
            "\"\\x41\"",
            "\"\\u+041\"",
            "\"\\u00é\"",
            "\"\\ud83d\"",
            "\"\\ud83d\\u0041\"",
            "\"\\ude00\"",
            "\"open",
            "\u{feff}{}",
            "// comment\n{}",
            "NaN",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(Json::parse(b"\"\xff\""), None);
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion_beyond_the_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(DEPTH)).is_some());
        assert_eq!(parse(&nested(DEPTH + 1)), None);
        assert_eq!(parse(&nested(100_000)), None);
        assert_eq!(parse(&"{\"a\":".repeat(100_000)), None);
    }
}
