//! Configuration in layers: which layer wins, what stops the start, what is shown.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sottovoce_server::config::{ConfigError, Layers, Settings, shown};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Example {
    accounts: Vec<String>,
    listen: Listen,
    database: Database,
    folders: BTreeMap<String, PathBuf>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Listen {
    address: String,
    certificate: Option<PathBuf>,
    most: u32,
    open: bool,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Database {
    url: String,
    token: String,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8080".to_owned(),
            certificate: None,
            most: 7,
            open: false,
        }
    }
}

impl Settings for Example {
    const SECRETS: &'static [&'static str] = &["database.token"];
    const URLS: &'static [&'static str] = &["database.url"];
}

fn file(folder: &Path, text: &str) -> Option<PathBuf> {
    let path = folder.join("example.toml");
    std::fs::write(&path, text).unwrap();
    Some(path)
}

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(owned).collect()
}

/// What is said when the layers cannot be used, and its code.
fn refusal(layers: &Layers) -> (String, &'static str) {
    let error = layers.settings::<Example>().unwrap_err();
    (error.to_string(), error.code())
}

#[test]
fn nothing_set_means_the_defaults() {
    let settings: Example = Layers::default().settings().unwrap();
    assert_eq!(settings, Example::default());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let layers = Layers {
        file: file(
            folder.path(),
            "accounts = ['a']\n[listen]\naddress = 'file'\nmost = 1\nopen = true\n\
             [folders]\n'/' = 'dist'",
        ),
        environment: environment(&[
            ("SOTTOVOCE__LISTEN__MOST", "2"),
            ("SOTTOVOCE__LISTEN__ADDRESS", "environment"),
            ("SOTTOVOCE_PASSPHRASE", "another program's"),
            ("HOME", "/"),
        ]),
        flags: vec![("listen.address", "flag".into())],
    };
    let settings: Example = layers.settings().unwrap();
    assert_eq!(settings.accounts, ["a"]);
    assert_eq!(settings.listen.address, "flag");
    assert_eq!(settings.listen.most, 2);
    assert!(settings.listen.open);
    assert_eq!(settings.folders.get("/"), Some(&PathBuf::from("dist")));
}

#[test]
fn the_environment_speaks_in_the_types_of_the_keys() {
    for list in ["x, y", "['x', 'y']"] {
        let layers = Layers {
            environment: environment(&[
                ("SOTTOVOCE__ACCOUNTS", list),
                ("SOTTOVOCE__LISTEN__OPEN", "true"),
                // A text that looks like a number is a text.
                ("SOTTOVOCE__LISTEN__ADDRESS", "17"),
                ("SOTTOVOCE__LISTEN__CERTIFICATE", "/a.pem"),
                ("SOTTOVOCE__FOLDERS", "{'/' = 'dist'}"),
            ]),
            ..Layers::default()
        };
        let settings: Example = layers.settings().unwrap();
        assert_eq!(settings.accounts, ["x", "y"]);
        assert!(settings.listen.open);
        assert_eq!(settings.listen.address, "17");
        assert_eq!(settings.listen.certificate, Some("/a.pem".into()));
        assert_eq!(settings.folders.len(), 1);
    }
}

#[test]
fn an_unknown_key_is_named_and_the_nearest_is_suggested() {
    let folder = tempfile::tempdir().unwrap();
    for (text, key, nearest) in [
        ("[listen]\nadress = 'x'", "listen.adress", "listen.address"),
        ("certificate = 'x'", "certificate", "listen.certificate"),
        ("[lisen]\nmost = 1", "lisen", "listen"),
    ] {
        let (words, code) = refusal(&Layers {
            file: file(folder.path(), text),
            ..Layers::default()
        });
        assert_eq!(code, "config-unknown-key");
        assert!(words.contains(&format!("unknown key {key};")), "{words}");
        assert!(
            words.ends_with(&format!("did you mean {nearest}?")),
            "{words}"
        );
    }
    let (words, code) = refusal(&Layers {
        environment: environment(&[("SOTTOVOCE__LISTEN__MOOST", "1")]),
        ..Layers::default()
    });
    assert_eq!(code, "config-unknown-key");
    assert!(
        words.contains("unknown key SOTTOVOCE__LISTEN__MOOST"),
        "{words}"
    );
    assert!(
        words.ends_with("did you mean SOTTOVOCE__LISTEN__MOST?"),
        "{words}"
    );
    let (words, _) = refusal(&Layers {
        file: file(folder.path(), "zzz = 1"),
        ..Layers::default()
    });
    assert!(!words.contains("did you mean"), "{words}");
}

#[test]
fn a_value_of_the_wrong_type_is_named_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (words, code) = refusal(&Layers {
        file: file(folder.path(), "[listen]\nmost = 'many'"),
        ..Layers::default()
    });
    assert_eq!(code, "config-value");
    assert!(words.contains("listen.most"), "{words}");
    for (name, value) in [
        ("SOTTOVOCE__LISTEN__MOST", "many"),
        ("SOTTOVOCE__LISTEN", "x"),
    ] {
        let (words, code) = refusal(&Layers {
            environment: environment(&[(name, value)]),
            ..Layers::default()
        });
        assert_eq!(code, "config-value");
        assert!(words.contains(name), "{words}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (words, code) = refusal(&Layers {
        file: Some(folder.path().join("missing.toml")),
        ..Layers::default()
    });
    assert_eq!(code, "config-unreadable");
    assert!(words.contains("missing.toml"), "{words}");
    let (words, code) = refusal(&Layers {
        file: file(folder.path(), "[listen"),
        ..Layers::default()
    });
    assert_eq!(code, "config-syntax");
    assert!(words.contains("example.toml"), "{words}");
}

#[test]
fn secrets_come_from_files_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    std::fs::write(&path, "postgres://relay:hunter2@db/relay\n").unwrap();
    let path = path.display().to_string();
    let named = |name| Layers {
        environment: environment(&[(name, &path)]),
        ..Layers::default()
    };
    let settings: Example = named("SOTTOVOCE__DATABASE__URL_FILE").settings().unwrap();
    assert_eq!(settings.database.url, "postgres://relay:hunter2@db/relay");
    let (_, code) = refusal(&named("SOTTOVOCE__LISTEN__ADDRESS_FILE"));
    assert_eq!(code, "config-unknown-key");
    let missing = Layers {
        environment: environment(&[("SOTTOVOCE__DATABASE__URL_FILE", "/no/such/file")]),
        ..Layers::default()
    };
    assert_eq!(refusal(&missing).1, "config-secret-unreadable");
    let twice = Layers {
        environment: environment(&[
            ("SOTTOVOCE__DATABASE__URL_FILE", &path),
            ("SOTTOVOCE__DATABASE__URL", "relay.db"),
        ]),
        ..Layers::default()
    };
    assert_eq!(refusal(&twice).1, "config-value");
}

#[test]
fn what_is_shown_can_be_read_back_and_holds_no_secret() {
    let mut settings = Example::default();
    settings.database.url = "postgres://relay:hunter2@db:5432/relay?password=hunter2".to_owned();
    settings.database.token = "hunter2".to_owned();
    let text = shown(&settings).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(
        text.contains("postgres://relay:***@db:5432/relay?***"),
        "{text}"
    );
    let folder = tempfile::tempdir().unwrap();
    let layers = Layers {
        file: file(folder.path(), &text),
        ..Layers::default()
    };
    let again: Result<Example, ConfigError> = layers.settings();
    assert_eq!(again.unwrap().listen, settings.listen);
    // A path is no secret.
    settings.database.url = "relay.db".to_owned();
    assert!(shown(&settings).unwrap().contains("url = \"relay.db\""));
}
