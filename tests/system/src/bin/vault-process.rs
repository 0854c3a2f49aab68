//! A vault to be killed and searched: `vault-process CONFIG`. It prints the address that it listens on.

use std::process::ExitCode;

use sottovoce_system_tests::process;
use sottovoce_vault::{Server, Settings};

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
