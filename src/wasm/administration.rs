//! What administrators say and are told. See [`client::Command`] and [`client::Event`].

use super::reader::Reader;
use super::value::Object;
use crate::account::{Approval, Archive, EntryPoint, Issuer, Operator, Revocation, Role, Team};
use crate::archive::AuditEntry;
use crate::client::{
    Command, DeviceEntry, EnrolmentEntry, Event, KeyManagerCheck, SettingsView, Signature,
};
use crate::wire::Time;

pub(super) fn command(name: &str, from: &Reader<'_>) -> Option<Command> {
    Some(match name {
        "changePolicy" => Command::ChangePolicy {
            settings: from.texts("settings"),
        },
        "approve" => Command::Approve {
            request: from.text("request"),
            approval: Approval {
                subject: from.text("subject"),
                name: from.optional_text("name"),
                role: role(from),
                teams: from.texts("teams"),
            },
        },
        "lookUpDevices" => Command::LookUpDevices,
        "requestToken" => Command::RequestToken {
            name: from.text("name"),
            scopes: from.texts("scopes"),
            expires: Time::from_millis(from.number("expires")),
        },
        "testKeyManager" => Command::TestKeyManager,
        "readAudit" => Command::ReadAudit {
            after: from.number("after"),
        },
        _ => return None,
    })
}

fn role(from: &Reader<'_>) -> Role {
    let name = from.text("role");
    let known = [
        Role::Agent,
        Role::Supervisor,
        Role::Bot,
        Role::Vault,
        Role::Auditor,
    ];
    let role = known.into_iter().find(|role| role.name() == name);
    role.unwrap_or_else(|| {
        from.fail("role");
        Role::Agent
    })
}

pub(super) fn event<'a>(out: &mut Object<'a>, event: &'a Event) {
    match event {
        Event::Settings(view) => {
            out.text("type", "settings");
            out.object("view", view.as_ref(), settings);
        }
        Event::Administered { what } => {
            out.text("type", "administered");
            let what = match what {
                Signature::Policy => "policy",
                Signature::Credential => "credential",
            };
            out.text("what", what);
        }
        Event::NotAdministered { code, detail } => {
            out.text("type", "notAdministered");
            out.text("code", code);
            out.text("detail", detail);
        }
        Event::Devices { devices, requests } => {
            out.text("type", "devices");
            out.list("devices", devices, device);
            out.list("requests", requests, enrolment);
        }
        Event::TokenRequest { name, request } => {
            out.text("type", "tokenRequest");
            out.text("name", name);
            out.text("request", request);
        }
        Event::KeyManagerTested { checks } => {
            out.text("type", "keyManagerTested");
            out.list("checks", checks, check);
        }
        Event::Audit {
            entries,
            head,
            code,
        } => {
            out.text("type", "audit");
            out.list("entries", entries, audit_entry);
            out.number("head", *head);
            out.text("code", code);
        }
        _ => {}
    }
}

fn settings<'a>(out: &mut Object<'a>, view: &'a SettingsView) {
    let (root, policy) = (&view.root, &view.policy);
    out.flag("administrator", view.administrator);
    out.number("version", policy.number);
    out.number("issued", policy.issued.millis());
    out.number("expires", view.expires.millis());
    out.text("plan", policy.plan.name());
    out.list("entryPoints", &policy.entry_points, entry_point);
    out.list("teams", &policy.teams, team);
    let archive = match policy.archive {
        Archive::None => "none",
        Archive::KeyManager => "keyManager",
    };
    out.text("archive", archive);
    if let Some(url) = &policy.key_manager_url {
        out.text("keyManagerUrl", url);
    }
    if let Some(manager) = &root.key_manager {
        out.object("keyManager", manager, |out, manager| {
            out.id("identity", manager.identity.as_array());
            let operator = match manager.operator {
                Operator::Customer => "customer",
                Operator::Platform => "platform",
            };
            out.text("operator", operator);
        });
    }
    out.flag("lastResort", policy.last_resort);
    out.number("lowestSuite", policy.lowest_suite.number());
    out.text("lowestLevel", root.lowest_level.name());
    out.text_list("roles", policy.roles.iter().map(|role| role.name()));
    let revoked = policy.revocations.iter().filter_map(|it| match it {
        Revocation::Device(device) => Some(device.as_array().as_slice()),
        Revocation::Credential(_) => None,
    });
    out.ids("revoked", revoked);
    out.list("issuers", &policy.issuers, issuer);
    out.ids(
        "renewers",
        policy.renewers.iter().map(|it| it.as_array().as_slice()),
    );
    out.ids(
        "administrators",
        root.administrators
            .iter()
            .map(|it| it.as_array().as_slice()),
    );
    out.number("policySignatures", root.policy_threshold);
    out.object("retention", &policy.retention, |out, retention| {
        out.number("days", retention.days);
        out.number("deviceHistory", retention.device_history);
        out.number("draining", retention.draining);
    });
    out.object("limits", &policy.limits, |out, limits| {
        out.number("text", limits.text);
        out.number("attachment", limits.attachment);
    });
    if let Some(link) = &policy.fallback_link {
        out.text("fallbackLink", link);
    }
}

fn entry_point<'a>(out: &mut Object<'a>, entry: &'a EntryPoint) {
    out.text("id", &entry.id);
    out.text("name", &entry.name);
    out.text("level", entry.level.name());
    out.texts("teams", &entry.teams);
    out.flag("botClaims", entry.bot_claims);
    out.flag("botTransfers", entry.bot_transfers);
}

fn team<'a>(out: &mut Object<'a>, team: &'a Team) {
    out.text("id", &team.id);
    out.text("name", &team.name);
    out.number("lowestGeneration", team.lowest_generation);
}

fn issuer<'a>(out: &mut Object<'a>, issuer: &'a Issuer) {
    out.text("issuer", &issuer.issuer);
    out.text("algorithm", &issuer.algorithm);
}

fn device<'a>(out: &mut Object<'a>, entry: &'a DeviceEntry) {
    out.id("device", entry.device.as_array());
    out.flag("own", entry.own);
    out.text("name", &entry.name);
    out.text("subject", &entry.subject);
    out.text("role", entry.role.name());
    out.texts("teams", &entry.teams);
    out.number("expires", entry.expires.millis());
    out.flag("available", entry.available);
    out.text("state", entry.state);
}

fn enrolment<'a>(out: &mut Object<'a>, entry: &'a EnrolmentEntry) {
    out.id("device", entry.device.as_array());
    out.text("name", &entry.name);
    out.number("time", entry.time.millis());
    out.text("request", &entry.request);
}

fn check<'a>(out: &mut Object<'a>, check: &'a KeyManagerCheck) {
    out.text("name", check.name);
    out.flag("passed", check.passed);
    out.text("detail", &check.detail);
    out.number("millis", check.millis);
}

fn audit_entry<'a>(out: &mut Object<'a>, entry: &'a AuditEntry) {
    out.number("number", entry.number);
    out.number("time", entry.time.millis());
    out.id("device", entry.device.as_array());
    out.text("operation", &entry.operation);
    if let Some(contact) = &entry.contact {
        out.id("contact", contact.as_array());
    }
    out.text("outcome", entry.outcome.name());
    out.text("code", &entry.code);
}
