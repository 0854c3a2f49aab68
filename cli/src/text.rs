//! Text from elsewhere, made safe for a terminal.

/// `text` on one line, without anything that a terminal would obey or that hides what is said:
/// control characters (escape sequences begin with one) and the marks that turn the direction
/// of what follows. Line breaks become spaces.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter_map(printable_character).collect()
}

/// The lines of `text`, each made safe. There is always one.
pub(crate) fn printable_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(printable).collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn printable_character(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        _ if c.is_control() || turns_direction(c) => None,
        _ => Some(c),
    }
}

/// Embeddings, overrides and isolates (Unicode Standard Annex 9). The plain marks of
/// right-to-left scripts stay.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        let evil = "a\u{1b}[2Jb\u{7}c\u{9b}31md\u{0}e\u{8}f\u{7f}g\u{202e}h";
        assert_eq!(printable(evil), "a[2Jbc31mdefgh");
    }

    #[test]
    fn a_line_break_does_not_make_a_line_that_looks_like_another_persons() {
        assert_eq!(printable("hi\r\nAda: yes"), "hi  Ada: yes");
        assert_eq!(printable_lines("one\ntwo\u{1b}[1m"), ["one", "two[1m"]);
    }

    #[test]
    fn scripts_and_emoji_stay_as_they_are() {
        for text in ["👩‍👩‍👧‍👦 मानव", "שלום \u{200f}!", "نعم"] {
            assert_eq!(printable(text), text);
        }
    }
}
