//! Texts in many scripts, and texts that are difficult to carry.

use sottovoce::wire::limits;

const DECLARATION: &str = include_str!("../../texts/udhr.json");

/// The first article of the Universal Declaration of Human Rights in every language that is
/// there, each with its language's tag.
///
/// # Panics
/// When the file is not what it is.
pub fn declaration() -> Vec<(String, String)> {
    let file: serde_json::Value = serde_json::from_str(DECLARATION).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let languages = file["languages"].as_array().unwrap();
    languages
        .iter()
        .map(|language| (text(&language["tag"]), text(&language["articles"]["1"])))
        .collect()
}

/// How many scripts they are written in.
///
/// # Panics
/// As [`declaration`].
pub fn scripts() -> usize {
    let file: serde_json::Value = serde_json::from_str(DECLARATION).unwrap();
    let languages = file["languages"].as_array().unwrap();
    let scripts: std::collections::BTreeSet<&str> = languages
        .iter()
        .map(|language| language["script"].as_str().unwrap())
        .collect();
    scripts.len()
}

/// Texts that programs like to cut, reorder, normalise or lose, each with what is special.
pub fn difficult() -> Vec<(&'static str, String)> {
    let ascii = "0123456789abcdef".repeat(limits::BODY / 16);
    let wide = "\u{1F469}".repeat(limits::BODY / 4);
    vec![
        (
            "a family of joined emoji",
            "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}".into(),
        ),
        (
            "a skin tone within a joined emoji",
            "\u{1F469}\u{1F3FD}\u{200D}\u{1F680} \u{1F44D}\u{1F3FF}".into(),
        ),
        (
            "flags, one of them of tags",
            "\u{1F1EA}\u{1F1FA}\u{1F1EF}\u{1F1F5} \u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}".into(),
        ),
        ("a keycap", "1\u{FE0F}\u{20E3} \u{2764}\u{FE0F}".into()),
        (
            "right to left with controls of direction",
            "\u{202E}abc\u{202C} \u{2067}שלום (1, 2)\u{2069} \u{200F}!\u{200E} \u{061C}مرحبا 42%".into(),
        ),
        (
            "an unclosed control of direction",
            "price \u{202B}١٢٣ \u{2068}x".into(),
        ),
        (
            "nothing that takes any width",
            "\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}".into(),
        ),
        ("NUL", "before\0after\0".into()),
        ("only NUL", "\0".into()),
        ("other controls", "\u{1B}[31m\r\n\t\u{7F}\u{85}\u{2028}\u{2029}".into()),
        ("spaces around", " \u{A0}x\u{3000}\n".into()),
        (
            "the same letter composed and decomposed",
            "é e\u{301} \u{1E9B}\u{323} \u{1100}\u{1161}\u{11A8}".into(),
        ),
        (
            "many marks on one letter",
            format!("Z{}", "\u{489}\u{300}\u{35C}".repeat(40)),
        ),
        ("noncharacters and private use", "\u{FFFE}\u{FFFF}\u{10FFFF}\u{E000}\u{FFFD}".into()),
        ("markup", "<script>alert(1)</script> &amp; %00 ' OR 1=1 -- ${x} {{y}}".into()),
        ("one byte", "x".into()),
        ("exactly as much as is allowed", ascii),
        ("exactly as much of four bytes each", wide),
    ]
}
