//! Holds a running relay's REST API against the description that it serves.

use std::fs;
use std::process::Command;

use crate::children::Running;
use crate::failure::{During, Outcome};
use crate::workspace::Workspace;
use crate::{process, setup};

/// How long requests are made up and sent, in seconds.
const BUDGET: &str = "60";
/// The same for those that delete.
const DELETIONS: &str = "15";
/// What has to hold of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,allow_header_conformance";

/// No answer that the description does not know, and none that says the relay made a mistake.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let schemathesis = setup::schemathesis(workspace)?;
    process::run(workspace.cargo().args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "sottovoce-relay",
        "--example",
        "api-under-test",
    ]))?;
    let folder = workspace.built("api");
    fs::create_dir_all(&folder).during(format!("making {}", folder.display()))?;
    let relay = Command::new(workspace.built("debug/examples/api-under-test"));
    let relay = Running::start("api-under-test", &relay, &folder)?;
    let said = |name: &str| relay.says(|line| line.strip_prefix(name).map(str::to_owned));
    // The last line: what comes before it is there.
    let token = said("token=")?;
    let account = format!(
        "[parameters]\n\"path.account\" = \"{}\"\n",
        said("account=")?
    );
    let known = format!(
        "{account}\"path.contact\" = \"{}\"\n\"path.device\" = \"{}\"\n\"path.hash\" = \"{}\"\n",
        said("contact=")?,
        said("device=")?,
        said("policy=")?,
    );
    let description = format!("{}/v1/openapi.json", said("url=")?);
    // What is deleted is never what the others ask for, but by chance.
    for (settings, method, budget) in [
        (&known, "--exclude-method", BUDGET),
        (&account, "--include-method", DELETIONS),
    ] {
        let file = folder.join("schemathesis.toml");
        fs::write(&file, settings).during(format!("writing {}", file.display()))?;
        process::run(
            workspace
                .command(&schemathesis)
                .current_dir(&folder)
                .args(["--no-color", "--config-file"])
                .arg(&file)
                .args(["run", &description, method, "DELETE"])
                .args(["--max-time", budget])
                .args(["--phases", "examples,coverage,fuzzing"])
                .args(["--checks", CHECKS, "--continue-on-failure"])
                .args(["--header", &format!("authorization: Bearer {token}")])
                .args(["--seed", "1", "--warnings", "off"]),
        )?;
    }
    Ok(())
}
