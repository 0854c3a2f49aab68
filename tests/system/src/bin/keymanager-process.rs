//! A key manager to be killed and searched: `keymanager-process CONFIG`. It prints the address that it listens on.

use std::process::ExitCode;

use sottovoce_keymanager::{Server, Settings};
use sottovoce_system_tests::process;

#[tokio::main]
async fn main() -> ExitCode {
    process::run(
        async |settings: Settings| -> Result<Server, Box<dyn std::error::Error>> {
            Ok(Server::bind(settings.into_config()?).await?)
        },
        Server::address,
        Server::serve,
    )
    .await
}
