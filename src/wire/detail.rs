//! What a refusal says beyond its code.

use core::fmt;

/// Words that say more than an error's code does, for those who decide about an account. Visitors'
/// browsers show codes only: theirs has none, and an error there is a number that fits a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    #[cfg(any(feature = "staff", not(target_arch = "wasm32")))]
    words: &'static str,
}

impl Detail {
    pub(crate) const fn words(self) -> &'static str {
        #[cfg(any(feature = "staff", not(target_arch = "wasm32")))]
        return self.words;
        #[cfg(not(any(feature = "staff", not(target_arch = "wasm32"))))]
        return "a rule";
    }
}

impl From<&'static str> for Detail {
    #[cfg_attr(
        not(any(feature = "staff", not(target_arch = "wasm32"))),
        allow(unused_variables)
    )]
    fn from(words: &'static str) -> Self {
        Self {
            #[cfg(any(feature = "staff", not(target_arch = "wasm32")))]
            words,
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
