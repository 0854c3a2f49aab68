//! OpenMLS with its own cryptography and storage in memory.

use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::*;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;

use crate::{TEXT, rate};

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;

struct Member {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

impl Member {
    fn new(name: &str) -> Self {
        let signer = SignatureKeyPair::new(SUITE.signature_algorithm()).unwrap();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(name.into()).into(),
            signature_key: signer.to_public_vec().into(),
        };
        Self {
            provider: OpenMlsRustCrypto::default(),
            signer,
            credential,
        }
    }

    fn key_package(&self) -> KeyPackageBundle {
        KeyPackage::builder()
            .build(SUITE, &self.provider, &self.signer, self.credential.clone())
            .unwrap()
    }
}

/// A visitor with fresh keys creates a group and adds the agent, who joins it. That the agent makes
/// a new key package for the next one is counted as well: each is good for one group.
pub fn contacts(count: usize) -> f64 {
    let agent = Member::new("agent");
    rate(count, || drop(converse(&Member::new("visitor"), &agent)))
}

/// One member's message is made, and read by the other.
pub fn messages(count: usize) -> f64 {
    let (visitor, agent) = (Member::new("visitor"), Member::new("agent"));
    let (mut from, mut to) = converse(&visitor, &agent);
    rate(count, || {
        let message = from
            .create_message(&visitor.provider, &visitor.signer, &TEXT)
            .unwrap()
            .tls_serialize_detached()
            .unwrap();
        let message = MlsMessageIn::tls_deserialize(&mut message.as_slice()).unwrap();
        let message = message.try_into_protocol_message().unwrap();
        let read = to.process_message(&agent.provider, message).unwrap();
        let ProcessedMessageContent::ApplicationMessage(text) = read.into_content() else {
            panic!("a message");
        };
        assert_eq!(text.into_bytes(), TEXT);
    })
}

fn converse(visitor: &Member, agent: &Member) -> (MlsGroup, MlsGroup) {
    let package = agent.key_package();
    let config = MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .use_ratchet_tree_extension(true)
        .build();
    let mut group = MlsGroup::new(
        &visitor.provider,
        &visitor.signer,
        &config,
        visitor.credential.clone(),
    )
    .unwrap();
    let members = [package.key_package().clone()];
    let (_, welcome, _) = group
        .add_members(&visitor.provider, &visitor.signer, &members)
        .unwrap();
    group.merge_pending_commit(&visitor.provider).unwrap();
    let welcome = welcome.tls_serialize_detached().unwrap();
    let welcome = MlsMessageIn::tls_deserialize(&mut welcome.as_slice()).unwrap();
    let MlsMessageBodyIn::Welcome(welcome) = welcome.extract() else {
        panic!("a welcome");
    };
    let joined = StagedWelcome::new_from_welcome(
        &agent.provider,
        &MlsGroupJoinConfig::default(),
        welcome,
        None,
    )
    .unwrap()
    .into_group(&agent.provider)
    .unwrap();
    (group, joined)
}
