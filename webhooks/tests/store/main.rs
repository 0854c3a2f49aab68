//! What both stores promise: one suite, run on each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../scene/mod.rs"]
mod scene;

mod endpoints;
mod history;
mod queue;
mod secrets;

/// Makes a test for each database of functions that take one.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&crate::scene::Database::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&crate::scene::Database::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both;
