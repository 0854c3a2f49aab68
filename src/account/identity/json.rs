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
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// How deep arrays and objects may be nested.
const DEPTH: usize = 8;
/// Integers up to here are the same in every JSON implementation (RFC 7493 section 2.2).
const LARGEST_INTEGER: u64 = (1 << 53) - 1;

impl Json {
    /// Reads one value that is the whole text.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut reader = Reader {
            rest: core::str::from_utf8(text).ok()?,
        };
        let value = reader.value(0)?;
        reader.skip_space();
        reader.rest.is_empty().then_some(value)
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

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes `token` if it is next.
    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn next_char(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        Some(next)
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_space();
        match self.rest.as_bytes().first()? {
            b'{' | b'[' if depth == DEPTH => None,
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Json::String),
            b'n' => self.take("null").map(|()| Json::Other),
            b't' => self.take("true").map(|()| Json::Other),
            b'f' => self.take("false").map(|()| Json::Other),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.list('{', '}', |reader| {
            reader.skip_space();
            let name = reader.string()?;
            if members.iter().any(|(known, _)| *known == name) {
                return None;
            }
            reader.skip_space();
            reader.take(":")?;
            members.push((name, reader.value(depth + 1)?));
            Some(())
        })?;
        Some(Json::Object(members))
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        let mut items = Vec::new();
        self.list('[', ']', |reader| {
            items.push(reader.value(depth + 1)?);
            Some(())
        })?;
        Some(Json::Array(items))
    }

    /// `open`, items with commas between them, `close`.
    fn list(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.rest = self.rest.strip_prefix(open)?;
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix(close) {
            self.rest = rest;
            return Some(());
        }
        loop {
            item(self)?;
            self.skip_space();
            match self.next_char()? {
                ',' => {}
                end if end == close => return Some(()),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut out = String::new();
        loop {
            match self.next_char()? {
                '"' => return Some(out),
                '\\' => out.push(self.escape()?),
                control if control < ' ' => return None,
                plain => out.push(plain),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next_char()? {
            same @ ('"' | '\\' | '/') => same,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.code_unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    // A low surrogate alone is no char.
                    return char::from_u32(unit);
                }
                self.take("\\u")?;
                let low = self.code_unit()?.checked_sub(0xdc00)?;
                if low >= 0x400 {
                    return None;
                }
                char::from_u32(0x10000 + ((unit - 0xd800) << 10) + low)?
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn code_unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        // `from_str_radix` would take a sign.
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u32::from_str_radix(digits, 16).ok())?
    }

    fn number(&mut self) -> Option<Json> {
        let negative = self.take("-").is_some();
        let whole = self.digits()?;
        // No leading zero.
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let fraction = self.take(".").is_some();
        if fraction {
            self.digits()?;
        }
        let exponent = self.take("e").or_else(|| self.take("E")).is_some();
        if exponent {
            let _ = self.take("+").or_else(|| self.take("-"));
            self.digits()?;
        }
        let integer = whole
            .parse()
            .ok()
            .filter(|number| !negative && !fraction && !exponent && *number <= LARGEST_INTEGER);
        Some(integer.map_or(Json::Other, Json::Integer))
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<String> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = self.rest.strip_suffix(rest)?.to_owned();
        self.rest = rest;
        (!digits.is_empty()).then_some(digits)
    }
}

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
