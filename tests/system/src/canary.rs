//! Finds a thing in whatever form it could have been kept.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use sottovoce::crypto::Random;

/// As much of a thing is searched for, in bytes. Less than all of it would be a leak as well.
const LONGEST: usize = 24;

/// Things that must not be found, each with a name.
#[derive(Debug, Default)]
pub struct Canaries {
    names: Vec<String>,
    /// What to search for, and which name it belongs to.
    patterns: Vec<(Vec<u8>, usize)>,
}

impl Canaries {
    /// A new text that nobody can have by chance, to be searched for under that name.
    ///
    /// # Panics
    /// Without randomness.
    pub fn text(&mut self, name: &str) -> String {
        let random: [u8; 12] = Random::os().bytes().unwrap();
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add_text(name, &text);
        text
    }

    /// Searches for a text as well.
    pub fn add_text(&mut self, name: &str, text: &str) {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let start = &text[..end];
        let units: Vec<u16> = start.encode_utf16().collect();
        let little = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        self.add(name, start.as_bytes(), [little, big]);
    }

    /// Searches for bytes as well.
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) {
        self.add(name, &bytes[..bytes.len().min(LONGEST)], []);
    }

    fn add(&mut self, name: &str, bytes: &[u8], more: impl IntoIterator<Item = Vec<u8>>) {
        let index = self.names.len();
        self.names.push(name.to_owned());
        let all = forms(bytes).into_iter().chain(more);
        self.patterns.extend(all.map(|form| (form, index)));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Gets ready to search.
    ///
    /// # Panics
    /// With more things than can be searched for.
    pub fn search(&self) -> Search<'_> {
        let patterns = self.patterns.iter().map(|(pattern, _)| pattern);
        Search {
            canaries: self,
            automaton: AhoCorasick::new(patterns).unwrap(),
            searched: 0,
        }
    }
}

/// A search for all of them at once.
#[derive(Debug)]
pub struct Search<'a> {
    canaries: &'a Canaries,
    automaton: AhoCorasick,
    /// How many bytes were looked at.
    pub searched: u64,
}

impl Search<'_> {
    /// The names of those that are in there.
    pub fn look_into(&mut self, bytes: &[u8]) -> BTreeSet<String> {
        self.searched += bytes.len() as u64;
        let found = self.automaton.find_overlapping_iter(bytes);
        found
            .map(|found| {
                let (_, name) = &self.canaries.patterns[found.pattern().as_usize()];
                self.canaries.names[*name].clone()
            })
            .collect()
    }
}

/// As they are, and as programs write bytes: hexadecimal, base64 of both alphabets wherever it
/// begins, lists of numbers.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let listed = |write: fn(&u8) -> String, between: &str| {
        let numbers: Vec<String> = bytes.iter().map(write).collect();
        numbers.join(between).into_bytes()
    };
    let mut forms = vec![
        bytes.to_vec(),
        listed(|byte| format!("{byte:02x}"), ""),
        listed(|byte| format!("{byte:02X}"), ""),
        listed(u8::to_string, ", "),
        listed(u8::to_string, ","),
    ];
    for before in 0..3 {
        let shifted = [&[0; 3][..before], bytes].concat();
        // The characters that only these bytes decide.
        let from = (before * 8).div_ceil(6);
        let to = shifted.len() * 8 / 6;
        for encoded in [
            Base64Unpadded::encode_string(&shifted),
            Base64UrlUnpadded::encode_string(&shifted),
        ] {
            forms.push(encoded.as_bytes()[from..to].to_vec());
        }
    }
    forms
}
