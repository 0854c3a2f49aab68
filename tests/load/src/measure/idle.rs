//! What a relay's memory grows by for each connection that only waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use sottovoce_test_scene::{Business, Person};

use crate::Outcome;
use crate::link::{Link, Target};
use crate::program::Relay;

/// Handshakes at the same time.
const TOGETHER: usize = 64;
/// Until memory is what it stays at.
const SETTLE: Duration = Duration::from_millis(1500);

/// Connects authenticated visitors and returns the slope of memory in bytes per connection.
///
/// # Errors
/// [`crate::LoadError`].
pub async fn bytes_per_connection(
    relay: &Relay,
    target: &Target,
    business: &Arc<Business>,
    (from, to): (usize, usize),
) -> Outcome<f64> {
    let mut links = connect(target, business, from).await?;
    tokio::time::sleep(SETTLE).await;
    let before = relay.program.memory()?;
    links.append(&mut connect(target, business, to - from).await?);
    tokio::time::sleep(SETTLE).await;
    let after = relay.program.memory()?;
    drop(links);
    // Both are far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let slope = after.saturating_sub(before) as f64 / (to - from) as f64;
    Ok(slope)
}

async fn connect(target: &Target, business: &Arc<Business>, number: usize) -> Outcome<Vec<Link>> {
    let connecting = (0..number).map(|_| {
        let (target, business) = (target.clone(), Arc::clone(business));
        async move { Link::connect(&target, &business, &Person::new()).await }
    });
    let mut connecting = stream::iter(connecting).buffer_unordered(TOGETHER);
    let mut links = Vec::with_capacity(number);
    while let Some(link) = connecting.next().await {
        links.push(link?);
    }
    Ok(links)
}
