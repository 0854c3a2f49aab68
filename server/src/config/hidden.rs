//! A setting that is never shown.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret as it is written in a configuration. It is not in what `Debug` prints, and is wiped from
/// memory when it goes. [`shown`](super::shown) hides it where it stands among
/// [`SECRETS`](super::Settings::SECRETS).
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Deref for Hidden {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::Hidden;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Hidden::from("opensesame".to_owned());
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(&*secret, "opensesame");
    }
}
