//! The whole system on this machine: an account, a relay with the pages, two agents.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::administrator::Appointment;
use crate::arrangement::{Arrangement, Place};
use crate::children::Running;
use crate::failure::{During, Failure, Outcome};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{browser, process, programs, setup};

/// Where the relay listens when nobody else does.
const PORT: u16 = 8420;
const NAME: &str = "Alba Ceramics";
const AGENTS: [&str; 2] = ["Ada", "Bruno"];
/// The one of them who administers the account, too.
const ADMINISTRATOR: &str = "Ada";

/// Everything that runs. It ends when this is dropped.
struct Demo {
    origin: String,
    account: String,
    data: PathBuf,
    invitations: Vec<String>,
    /// How to read what the vault has.
    hints: Vec<String>,
    /// In the order in which they are to end.
    running: Vec<Running>,
}

/// `cargo xtask demo [--data DIR | --check]`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let arrangement = Arrangement::take(&mut arguments)?;
    let kept = match arguments.as_slice() {
        ["--check"] => {
            setup::programs(setup::TO_BROWSE)?;
            build(workspace)?;
            return told(check_at(workspace, arrangement)?);
        }
        ["--data", folder] => Some(std::path::absolute(folder).during("--data")?),
        [] => None,
        _ => return Err("the demo takes --check or --data DIR; see `cargo xtask help`".into()),
    };
    setup::programs(setup::TO_BUILD)?;
    build(workspace)?;
    let data = match kept {
        Some(folder) => folder,
        None => empty(workspace.path("target/demo/data"))?,
    };
    let port = if free(PORT).is_ok() { PORT } else { free(0)? };
    let demo = Demo::start(workspace, &data, port, arrangement)?;
    demo.greet(workspace);
    demo.wait()
}

/// Holds the conversation in headless browsers, on free ports with temporary data, at every level.
pub(crate) fn check(workspace: &Workspace) -> Outcome<Tally> {
    let mut all = Tally::default();
    for arrangement in Arrangement::ALL {
        println!("\n{}", arrangement.name());
        all += check_at(workspace, arrangement)?;
    }
    Ok(all)
}

/// The same at another level; and that what was said stands nowhere in clear but where it should.
fn check_at(workspace: &Workspace, arrangement: Arrangement) -> Outcome<Tally> {
    let data = empty(workspace.path("target/demo/check"))?;
    let demo = Demo::start(workspace, &data, free(0)?, arrangement)?;
    let mut driver = programs::tester(workspace, "node", &["tests/browser/demo-check.mjs"])?;
    driver
        .env("LEVEL", arrangement.level())
        .arg(demo.shop())
        .args((0..AGENTS.len()).map(|agent| demo.console(agent)))
        .arg(workspace.path("target/demo"));
    let (status, output) = process::tee(&mut driver)?;
    let mut tally = Tally::of(&output);
    if status.success() {
        let expected: Vec<&str> = arrangement.clear().into_iter().collect();
        let mut found = clear_text(&data)?;
        // A vault stores what it sees a moment later.
        for _ in 0..50 {
            if found == expected {
                break;
            }
            thread::sleep(Duration::from_millis(200));
            found = clear_text(&data)?;
        }
        if found == expected {
            println!("ok      in clear it stands in: {expected:?}");
            tally.passed += 1;
        } else {
            println!("FAILED  in clear it stands in {found:?} instead of {expected:?}");
            tally.failed += 1;
        }
    }
    if !status.success() && tally.failed == 0 {
        return Err(format!("the browsers' driver failed ({status})").into());
    }
    Ok(tally)
}

/// The programs and the pages.
fn build(workspace: &Workspace) -> Outcome {
    programs::build(workspace)?;
    browser::wasm(workspace)?;
    browser::pages(workspace)
}

/// The driver has printed its count as its last line.
fn told(tally: Tally) -> Outcome {
    if tally.failed == 0 && tally.passed > 0 {
        Ok(())
    } else {
        Err(Failure::Told)
    }
}

impl Demo {
    fn start(
        workspace: &Workspace,
        data: &Path,
        port: u16,
        arrangement: Arrangement,
    ) -> Outcome<Self> {
        let origin = format!("http://127.0.0.1:{port}");
        let sottovoce = |arguments: &[&str]| {
            let mut command = workspace.command(programs::sottovoce(workspace));
            command.args(arguments);
            command
        };
        let keys = data.join("account");
        let keys = text(&keys)?;
        let account = account(keys, arrangement, &sottovoce)?;
        let place = Place {
            data,
            account_dir: keys,
            account: &account,
            sottovoce: &sottovoce,
            free: &|| free(0),
        };
        let key_manager = place.key_manager(arrangement)?;
        let pages = site(workspace, data, &account)?;

        let listen = format!("127.0.0.1:{port}");
        let database = data.join("relay.sqlite");
        let relay = Running::start(
            "relay",
            sottovoce(&[
                "relay",
                "--listen",
                &listen,
                "--database",
                text(&database)?,
                "--account",
                &account,
                "--static",
                &format!("/={}", text(&pages)?),
            ])
            // Everything is on this machine.
            .env("SOTTOVOCE__KEY_MANAGERS__PRIVATE", "true"),
            data,
        )?;
        relay.answers(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        // Of a demo before, its rules may have been changed in a console.
        process::read(&mut sottovoce(&[
            "policy", "fetch", "--dir", keys, "--relay", &origin,
        ]))?;
        process::run(&mut sottovoce(&[
            "policy", "publish", "--dir", keys, "--relay", &origin,
        ]))?;

        let mut running: Vec<Running> = key_manager.into_iter().collect();
        let mut hints = Vec::new();
        if let Some((vault, more)) = place.vault(arrangement, &origin)? {
            running.push(vault);
            hints = more;
        }
        let mut invitations = Vec::new();
        for name in AGENTS {
            let inviter = Running::start(
                name,
                &sottovoce(&[
                    "agent",
                    "invite",
                    "--reusable",
                    "--name",
                    name,
                    "--team",
                    "support",
                    "--dir",
                    keys,
                    "--relay",
                    &origin,
                ]),
                data,
            )?;
            invitations.push(inviter.says(|line| line.strip_prefix("invite=").map(str::to_owned))?);
            running.push(inviter);
        }
        running.push(relay);
        Appointment {
            log: data.join(format!("{ADMINISTRATOR}.log")),
            sottovoce: programs::sottovoce(workspace),
            account_dir: keys.to_owned(),
            origin: origin.clone(),
        }
        .watch();
        Ok(Self {
            origin,
            account,
            data: data.to_path_buf(),
            invitations,
            hints,
            running,
        })
    }

    fn shop(&self) -> String {
        format!("{}/shop/", self.origin)
    }

    fn console(&self, agent: usize) -> String {
        let name = AGENTS.get(agent).copied().unwrap_or_default();
        let code = self.invitations.get(agent).map_or("", String::as_str);
        // A browser keeps one agent for each origin; with both names of this machine one browser
        // can be both agents.
        let origin = match agent {
            0 => self.origin.clone(),
            _ => self.origin.replace("127.0.0.1", "localhost"),
        };
        format!("{origin}/console/#invite={code}&name={name}")
    }

    fn greet(&self, workspace: &Workspace) {
        println!("\n  In a browser");
        println!("    a visitor   {}", self.shop());
        for (agent, name) in AGENTS.iter().enumerate() {
            println!("    {name:<9}   {}", self.console(agent));
        }
        println!(
            "    {ADMINISTRATOR} administers the account: \"Security settings\" in the console"
        );
        let chat = |who: &str| {
            format!(
                "{} chat {who} --relay {} --account {}",
                programs::sottovoce(workspace).display(),
                self.origin,
                self.account
            )
        };
        println!("\n  Or in terminals");
        println!("    {} --entry-point shop", chat("visitor"));
        for (name, code) in AGENTS.iter().zip(&self.invitations) {
            let state = self.data.join(name);
            println!(
                "    {} --plain-keys --state {} --name {name} --invite {code}",
                chat("agent"),
                state.display()
            );
        }
        if !self.hints.is_empty() {
            println!("\n  What the vault stores");
            for hint in &self.hints {
                println!("    {hint}");
            }
        }
        println!("\n  Ctrl-C ends everything.");
    }

    fn wait(mut self) -> Outcome {
        match self.running.pop() {
            Some(relay) => relay.wait(),
            None => Ok(()),
        }
    }
}

/// The id of the account in a folder, made if there is none. Its keys are not sealed: it is a demo.
fn account(
    keys: &str,
    arrangement: Arrangement,
    sottovoce: &impl Fn(&[&str]) -> Command,
) -> Outcome<String> {
    if !Path::new(keys).exists() {
        process::read(&mut sottovoce(&[
            "account",
            "create",
            "--plain-keys",
            "--name",
            NAME,
            "--dir",
            keys,
            "--level",
            arrangement.level(),
        ]))?;
    }
    let shown = process::read(&mut sottovoce(&["policy", "show", "--dir", keys]))?;
    shown
        .lines()
        .find_map(|line| line.strip_prefix("account "))
        .map(|id| id.trim().to_owned())
        .ok_or_else(|| "`sottovoce policy show` names no account".into())
}

/// The parts of the demo whose files hold a text that was said in the check, in clear.
fn clear_text(data: &Path) -> Outcome<Vec<&'static str>> {
    let said = "All human beings are born free and equal in dignity and rights.".as_bytes();
    let parts = [
        ("relay", data.to_owned()),
        ("key manager", data.join("keys")),
        ("vault", data.join("vault")),
    ];
    let mut found = Vec::new();
    for (part, folder) in parts {
        if folder.exists() && holds(&folder, said)? {
            found.push(part);
        }
    }
    Ok(found)
}

/// Whether a file in a folder, not below it, holds some bytes.
fn holds(folder: &Path, bytes: &[u8]) -> Outcome<bool> {
    let reading = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).during(reading())? {
        let path = entry.during(reading())?.path();
        if path.is_file()
            && fs::read(&path)
                .during(reading())?
                .windows(bytes.len())
                .any(|window| window == bytes)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies the pages and tells them which account they serve.
fn site(workspace: &Workspace, data: &Path, account: &str) -> Outcome<PathBuf> {
    let site = empty(data.join("site"))?;
    copy(&workspace.path("www/dist"), &site)?;
    let config =
        format!("{{\"account\":\"{account}\",\"entryPoint\":\"shop\",\"name\":\"{NAME}\"}}\n");
    for page in ["shop", "console"] {
        fs::write(site.join(page).join("config.json"), &config).during("writing config.json")?;
    }
    Ok(site)
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let copying = || format!("copying {}", from.display());
    fs::create_dir_all(to).during(copying())?;
    for entry in fs::read_dir(from).during(copying())? {
        let entry = entry.during(copying())?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).during(copying())?;
        }
    }
    Ok(())
}

/// A folder with nothing in it.
fn empty(folder: PathBuf) -> Outcome<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder).during(format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).during(format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The port if it is free, or any free one for 0.
fn free(port: u16) -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).during("finding a port")?;
    Ok(listener.local_addr().during("finding a port")?.port())
}

fn text(path: &Path) -> Outcome<&str> {
    path.to_str()
        .ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}
