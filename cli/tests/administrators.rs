//! Who administers an account, and several of them at the same settings.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod scene;

use std::path::Path;

use scene::{Business, Scene, value};

impl Scene {
    fn administrator(&self, line: &[&str]) -> String {
        let mut whole = vec!["account", "administrator"];
        whole.extend(line);
        self.said(&whole)
    }

    fn administrator_complaint(&self, line: &[&str]) -> String {
        let mut whole = vec!["account", "administrator"];
        whole.extend(line);
        self.complained(&whole)
    }

    /// The devices that administer the account in a folder.
    fn administrators(&self, dir: &str) -> Vec<String> {
        let listed = self.administrator(&["list", "--dir", dir]);
        let device = |line: &str| line.split(' ').next().unwrap().to_owned();
        listed.lines().map(device).collect()
    }

    /// A folder of the same account for another administrator, whose key another account lends.
    fn colleague(&self, dir: &str, other: &str) -> String {
        self.said(&["account", "create", "--dir", "lent", "--plain-keys"]);
        let device = self.administrators("lent").remove(0);
        self.administrator(&["add", &device, "--dir", dir]);
        copy(&self.path(dir), &self.path(other));
        let key = |dir: &str| self.path(&format!("{dir}/administrator.key"));
        std::fs::copy(key("lent"), key(other)).unwrap();
        device
    }

    fn shown(&self, dir: &str) -> String {
        self.said(&["policy", "show", "--dir", dir])
    }
}

fn copy(from: &str, to: &str) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), Path::new(to).join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_device_administers_the_account_from_its_request_until_it_is_removed() {
    let business = Business::open();
    let scene = &business.scene;
    let mut request = vec!["agent", "request", "--relay", &business.url];
    request.extend(["--account", &business.account, "--state", "carla"]);
    request.extend(["--name", "Carla", "--plain-keys"]);
    let asked = value(&scene.said(&request), "request=");
    let first = scene.administrators("account").remove(0);

    let said = scene.administrator(&["add", &asked, "--dir", "account"]);
    assert_eq!(value(&said, "root-statement="), "2");
    let both = scene.administrators("account");
    assert_eq!(both.len(), 2);
    assert!(both.contains(&first));
    let again = scene.administrator_complaint(&["add", &asked, "--dir", "account"]);
    assert!(again.contains("(already-administrator)"), "{again}");
    business.said(&["policy", "publish"]);

    let second = both.iter().find(|device| **device != first).unwrap();
    let said = scene.administrator(&["remove", second, "--dir", "account"]);
    assert!(said.contains("approved again"), "{said}");
    assert_eq!(scene.administrators("account"), [first]);
    let gone = scene.administrator_complaint(&["remove", second, "--dir", "account"]);
    assert!(gone.contains("(unknown-administrator)"), "{gone}");
    let said = business.said(&["policy", "publish"]);
    assert!(
        said.contains("Version 1 of the policy is in force"),
        "{said}"
    );
}

#[test]
fn what_nobody_could_administer_afterwards_is_refused_and_changes_nothing() {
    let scene = Scene::new();
    scene.said(&["account", "create", "--dir", "a", "--plain-keys"]);
    let own = scene.administrators("a").remove(0);
    let complaint = scene.administrator_complaint(&["remove", &own, "--dir", "a"]);
    assert!(complaint.contains("(last-administrator)"), "{complaint}");
    scene.colleague("a", "b");
    // The policy is the first administrator's alone, and the folder has no other key.
    let complaint = scene.administrator_complaint(&["remove", &own, "--dir", "a"]);
    assert!(complaint.contains("(policy-void)"), "{complaint}");
    assert_eq!(scene.administrators("a").len(), 2);
    for nonsense in ["nobody", "glh2"] {
        let complaint = scene.administrator_complaint(&["add", nonsense, "--dir", "a"]);
        assert!(complaint.contains("(bad-request)"), "{complaint}");
    }
    std::fs::remove_file(scene.path("a/root.key")).unwrap();
    scene.administrator_complaint(&["remove", &own, "--dir", "a"]);
    assert!(scene.shown("a").contains("version                       1"));
}

#[test]
fn a_policy_of_the_removed_administrator_is_signed_again_by_the_one_who_stays() {
    let scene = Scene::new();
    scene.said(&["account", "create", "--dir", "a", "--plain-keys"]);
    let colleague = scene.colleague("a", "b");
    scene.said(&["policy", "set", "--dir", "b", "retention.days=30"]);
    for file in ["policy", "renewals"] {
        let path = |dir: &str| scene.path(&format!("{dir}/{file}"));
        std::fs::copy(path("b"), path("a")).unwrap();
    }
    let listed = scene.administrator(&["list", "--dir", "a"]);
    let signed = format!("{colleague}  signed the newest policy");
    assert!(listed.contains(&signed), "{listed}");

    let said = scene.administrator(&["remove", &colleague, "--dir", "a"]);
    assert!(said.contains("Version 3 of the policy is signed"), "{said}");
    assert!(scene.shown("a").contains("30 days"));
}

#[test]
fn a_folder_takes_over_what_another_administrator_published() {
    let business = Business::open();
    let scene = &business.scene;
    let colleague = scene.colleague("account", "b");
    business.said(&["policy", "publish"]);
    let publish = ["policy", "publish", "--dir", "b", "--relay", &business.url];
    let renewers = format!("renewers={colleague}");
    scene.said(&[
        "policy",
        "set",
        "--dir",
        "b",
        "retention.days=30",
        &renewers,
    ]);
    scene.said(&["policy", "renew", "--dir", "b", "--days", "14"]);
    scene.said(&publish);
    let said = business.said(&["policy", "fetch"]);
    assert!(said.contains("Version 2"), "{said}");
    assert_eq!(scene.shown("account"), scene.shown("b"));

    // Both go on from there, and the other one is faster.
    scene.said(&["policy", "set", "--dir", "account", "retention.days=10"]);
    scene.said(&["policy", "set", "--dir", "b", "retention.days=20"]);
    scene.said(&publish);
    let complaint = business.complained(&["policy", "publish"]);
    assert!(complaint.contains("(policy-behind)"), "{complaint}");
    assert!(complaint.contains("policy fetch"), "{complaint}");
    let complaint = business.complained(&["policy", "fetch"]);
    assert!(complaint.contains("--replace"), "{complaint}");
    assert!(scene.shown("account").contains("10 days"));
    business.said(&["policy", "fetch", "--replace"]);
    assert_eq!(scene.shown("account"), scene.shown("b"));
    let said = business.said(&["policy", "publish"]);
    assert!(
        said.contains("Version 3 of the policy is in force"),
        "{said}"
    );
}

#[test]
fn an_administrator_who_is_removed_from_a_folder_that_lags_behind_leaves_no_account_without_a_policy()
 {
    let business = Business::open();
    let scene = &business.scene;
    let colleague = scene.colleague("account", "b");
    business.said(&["policy", "publish"]);
    scene.said(&["policy", "set", "--dir", "b", "retention.days=30"]);
    scene.said(&["policy", "publish", "--dir", "b", "--relay", &business.url]);
    // This folder does not know of it.
    scene.administrator(&["remove", &colleague, "--dir", "account"]);
    let complaint = business.complained(&["policy", "publish"]);
    assert!(complaint.contains("(policy-behind)"), "{complaint}");
    let said = business.said(&["policy", "fetch"]);
    assert!(said.contains("signed again, as version 3"), "{said}");
    assert!(scene.shown("account").contains("30 days"));
    let said = business.said(&["policy", "publish"]);
    assert!(
        said.contains("Version 3 of the policy is in force"),
        "{said}"
    );
    let gone = ["policy", "publish", "--dir", "b", "--relay", &business.url];
    scene.complained(&gone);
}
