//! Transcripts for people: plain text, and a page that is whole in itself.

use std::fmt::Write;

use crate::record::{About, Author, Record, Said};
use crate::store::StoredContact;

/// What the page looks like.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}\
    dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0}\
    article{border-top:1px solid #ddd;padding:.5rem 0}h2{font-size:1rem;margin:0}\
    time{color:#555;font-weight:normal}p{margin:.2rem 0;white-space:pre-wrap;overflow-wrap:anywhere}\
    .event{color:#555;font-style:italic}";

/// Plain text. What was said cannot pass for a line of its own: further lines are indented, and control
/// characters are replaced.
pub(super) fn text(
    stored: &StoredContact,
    about: &About,
    records: &[Record],
    next: Option<u64>,
) -> String {
    let mut out = String::new();
    for (name, value) in head(stored, about) {
        line(&mut out, &format!("{name}: {value}"));
    }
    out.push('\n');
    for record in records {
        let time = date(record.time);
        let who = record.author.as_ref().map(name_of).unwrap_or_default();
        let said = words(record);
        let marks = marks(record);
        line(&mut out, &format!("{time}  {who}: {said}{marks}"));
    }
    if let Some(next) = next {
        line(&mut out, &format!("… more after position {next}"));
    }
    out
}

/// A page. Everything that somebody said or is called is text in it, nothing is markup.
pub(super) fn html(
    stored: &StoredContact,
    about: &About,
    records: &[Record],
    next: Option<u64>,
) -> String {
    let mut out = String::from("<!doctype html>\n<html><head><meta charset=\"utf-8\">");
    out.push_str(
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Transcript</title>",
    );
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<style>{STYLE}</style></head><body><h1>Transcript</h1><dl>"
    );
    for (name, value) in head(stored, about) {
        let _ = write!(
            out,
            "<dt>{name}</dt><dd dir=\"auto\">{}</dd>",
            escaped(&value)
        );
    }
    out.push_str("</dl><main>\n");
    for record in records {
        let class = if record.said.is_message() {
            "said"
        } else {
            "event"
        };
        let who = record.author.as_ref().map(name_of).unwrap_or_default();
        let _ = writeln!(
            out,
            "<article id=\"p{}\"><h2><bdi>{}</bdi> <time>{}</time></h2><p class=\"{class}\" dir=\"auto\">{}</p></article>",
            record.position,
            escaped(&who),
            date(record.time),
            escaped(&format!("{}{}", words(record), marks(record)))
        );
    }
    if let Some(next) = next {
        let _ = write!(out, "<p class=\"event\">More after position {next}.</p>");
    }
    out.push_str("</main></body></html>\n");
    out
}

fn head(stored: &StoredContact, about: &About) -> Vec<(&'static str, String)> {
    let mut head = vec![
        ("Contact", stored.contact.to_string()),
        (
            "Entry point",
            format!("{} ({})", about.entry_point_name, stored.entry_point),
        ),
        ("Level", stored.level.name().to_owned()),
        ("Created", date(stored.created.millis())),
    ];
    head.push((
        "Closed",
        match stored.closed {
            Some(closed) => date(closed.millis()),
            None => "end not confirmed".to_owned(),
        },
    ));
    if let Some(identity) = &about.verified_identity {
        head.push(("Verified identity", identity.clone()));
    }
    let people: Vec<_> = about.participants.iter().map(name_of).collect();
    head.push(("Participants", people.join(", ")));
    if let Some(code) = &about.stopped_by {
        head.push(("Stopped by", code.clone()));
    }
    head
}

fn name_of(author: &Author) -> String {
    if author.name.is_empty() {
        author.role.clone()
    } else {
        format!("{} ({})", author.name, author.role)
    }
}

fn words(record: &Record) -> String {
    match &record.said {
        Said::Text { text, .. } => text.clone(),
        Said::Content { content, text, .. } => match text {
            Some(text) => format!("[{content}] {text}"),
            None => format!("[{content}]"),
        },
        Said::Event { event, whom, teams } => {
            let mut of: Vec<_> = whom.iter().map(name_of).collect();
            of.extend(teams.iter().cloned());
            if of.is_empty() {
                format!("— {event}")
            } else {
                format!("— {event}: {}", of.join(", "))
            }
        }
        Said::Unreadable => "— an entry among staff".to_owned(),
        Said::KeysGone => "— an entry whose keys the vault no longer had".to_owned(),
        Said::Invalid { code } => format!("— an entry that counts for nothing: {code}"),
    }
}

fn marks(record: &Record) -> String {
    if record.marks.is_empty() {
        String::new()
    } else {
        format!(" [{}]", record.marks.join(", "))
    }
}

fn date(millis: u64) -> String {
    let time = i64::try_from(millis)
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| millis.to_string(), |time| format!("{time:.0}"))
}

fn line(out: &mut String, text: &str) {
    for (number, part) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str("    ");
        }
        let plain = |c: char| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        };
        out.extend(part.strip_suffix('\r').unwrap_or(part).chars().map(plain));
        out.push('\n');
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use sottovoce::account::Level;
    use sottovoce::wire::{ContactId, Time};

    use super::*;
    use crate::store::DataKeyState;

    fn record(position: u64, text: &str) -> Record {
        Record {
            position,
            time: 1_000,
            author: Some(Author {
                device: "d".to_owned(),
                name: "<b>Ada</b>".to_owned(),
                role: "agent".to_owned(),
                by_gateway: false,
            }),
            said: Said::Text {
                id: "i".to_owned(),
                text: text.to_owned(),
                reply_to: None,
            },
            marks: Vec::new(),
        }
    }

    fn contact() -> StoredContact {
        StoredContact {
            contact: ContactId::new([1; 16]),
            level: Level::Transport,
            entry_point: "shop".to_owned(),
            created: Time::from_millis(0),
            closed: None,
            head: 2,
            is_complete: false,
            data_key: DataKeyState::None,
            erased: None,
            about: None,
        }
    }

    #[test]
    fn nothing_that_was_said_is_markup() {
        let said = "<script>alert(1)</script> \" ' & <img src=x onerror=y>";
        let page = html(&contact(), &About::default(), &[record(2, said)], None);
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("<img"), "{page}");
        assert!(!page.contains("<b>"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &quot; &#39; &amp;"));
    }

    #[test]
    fn nobody_can_say_a_line_that_looks_like_another_ones() {
        let said = "hello\n1970-01-01T00:00:01Z  Ben (agent): I resign\u{1b}[2J";
        let text = text(&contact(), &About::default(), &[record(2, said)], None);
        assert!(
            text.contains("\n    1970-01-01T00:00:01Z  Ben (agent): I resign\u{fffd}[2J\n"),
            "{text}"
        );
    }
}
