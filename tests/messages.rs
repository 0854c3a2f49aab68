//! SPEC 5: content, envelopes and ephemeral events, as their users see them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use sottovoce::crypto::Secret;
use sottovoce::crypto::hash::Hash;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::message::{
    Audience, Content, Envelope, Ephemeral, EphemeralEvent, EphemeralHeader, EphemeralKind,
    EphemeralParams, Header, MessageError, Receipt, Salt, SealParams, kind,
};
use sottovoce::wire::log::Seen;
use sottovoce::wire::{
    AccountId, Bytes, ContactId, ContentId, DecodeError, Suite, Time, Version, encode, limits,
};

const EPOCH_KEY: Secret<32> = Secret::new([7; 32]);

fn author() -> SigningKey {
    SigningKey::from_seed(&Secret::new([1; 32]))
}

fn header(suite: Suite) -> Header {
    Header {
        version: Version,
        suite,
        account: AccountId::new([2; 32]),
        contact: ContactId::new([3; 16]),
        epoch: 4,
        transcript: Hash::new([5; 32]),
        device: author().public(),
        sequence: 6,
        salt: Salt::new([7; 16]),
        previous: Hash::new([8; 32]),
        seen: Some(Seen {
            position: 9,
            hash: Hash::new([10; 32]),
        }),
        audience: Audience::All,
    }
}

fn content(kind: &str, body: impl Into<Vec<u8>>) -> Content {
    Content {
        id: ContentId::new([11; 16]),
        kind: kind.into(),
        sent: Time::from_millis(1_700_000_000_000),
        reply_to: None,
        body: body.into().into(),
    }
}

fn seal(content: &Content) -> Result<Envelope, MessageError> {
    seal_with(header(Suite::XWing), content)
}

fn seal_with(header: Header, content: &Content) -> Result<Envelope, MessageError> {
    Envelope::seal(SealParams {
        header,
        epoch_key: &EPOCH_KEY,
        content,
        signing_key: &author(),
    })
}

/// What a receiver makes of bytes that arrived.
fn receive(bytes: &[u8]) -> Result<Content, MessageError> {
    let envelope = Envelope::parse(bytes)?;
    envelope.verify_signature()?;
    envelope.open(&EPOCH_KEY)
}

#[test]
fn a_message_arrives_as_it_was_sent_in_both_suites() {
    for suite in Suite::ALL {
        for audience in [Audience::All, Audience::Staff] {
            let mut header = header(suite);
            header.audience = audience;
            let mut content = content(kind::TEXT, "Is the blue one in stock?");
            content.reply_to = Some(ContentId::new([12; 16]));
            let sent = seal_with(header.clone(), &content).unwrap();
            let received = Envelope::parse(&sent.to_bytes()).unwrap();
            assert_eq!(received, sent);
            assert_eq!(received.header(), &header);
            assert_eq!(received.hash(), sent.hash());
            received.verify_signature().unwrap();
            assert_eq!(received.open(&EPOCH_KEY).unwrap(), content);
        }
    }
}

#[test]
fn texts_of_every_script_arrive_unchanged() {
    let texts = [
        "Grüße aus Köln, Straße 5",
        "Γειά σου Κόσμε",
        "Съешь же ещё этих мягких французских булок",
        "שלום עולם, מחיר 12.50 ₪",
        "مرحبا بالعالم، السعر ١٢٫٥٠",
        "नमस्ते दुनिया",
        "สวัสดีชาวโลก",
        "你好，世界",
        "こんにちは世界、カタカナ",
        "안녕하세요 세계",
        "გამარჯობა მსოფლიო",
        "👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈🇺🇳",
        "a\u{202e}evil\u{202c} \u{2067}rtl\u{2069}",
        "zero\u{200b}width\u{200d}joiner\u{feff}",
        "NUL\0inside\0",
        "e\u{301} is not normalised to \u{e9}",
        "",
    ];
    for text in texts {
        let content = content(kind::TEXT, text);
        let received = receive(&seal(&content).unwrap().to_bytes()).unwrap();
        assert_eq!(&*received.body, text.as_bytes());
        assert_eq!(received, content);
    }
}

#[test]
fn a_body_of_any_allowed_length_arrives_and_a_longer_one_is_refused_before_sending() {
    for length in [1, 100, 255, 256, 257, 4096, 65_535, limits::BODY] {
        let content = content(kind::TEXT, vec![b'x'; length]);
        let bytes = seal(&content).unwrap().to_bytes();
        assert!(bytes.len() <= limits::ENTRY);
        assert_eq!(receive(&bytes).unwrap(), content);
    }
    let too_long = content(kind::TEXT, vec![b'x'; limits::BODY + 1]);
    assert_eq!(seal(&too_long), Err(MessageError::ContentTooLarge));
    let kind_too_long = content(&"k".repeat(limits::NAME + 1), "");
    assert_eq!(seal(&kind_too_long), Err(MessageError::ContentTooLarge));
    // The longest of everything together still fits.
    let mut longest = content(&"k".repeat(limits::NAME), vec![0; limits::BODY]);
    longest.reply_to = Some(ContentId::new([12; 16]));
    longest.sent = Time::from_millis(u64::MAX);
    assert_eq!(
        receive(&seal(&longest).unwrap().to_bytes()).unwrap(),
        longest
    );
}

#[test]
fn content_of_an_unknown_kind_survives_byte_for_byte() {
    let content = content("hologram/3", (0..=255).collect::<Vec<u8>>());
    assert_eq!(
        receive(&seal(&content).unwrap().to_bytes()).unwrap(),
        content
    );
}

#[test]
fn the_length_of_an_envelope_tells_only_its_bucket() {
    let length = |body| {
        let content = content(kind::TEXT, vec![b'x'; body]);
        seal(&content).unwrap().to_bytes().len()
    };
    assert_eq!(length(0), length(200));
    assert!(length(200) < length(300));
    assert_eq!(length(300), length(450));
    assert_eq!(length(40_000), length(60_000));
    assert_eq!(length(65_536), length(65_530));
}

#[test]
fn every_flipped_bit_is_a_typed_error() {
    let bytes = seal(&content(kind::TEXT, "hello")).unwrap().to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let error = receive(&changed).unwrap_err();
        assert!(
            matches!(error, MessageError::Decode(_) | MessageError::BadSignature),
            "bit {bit}: {error:?}"
        );
        // Whoever skips the signature learns nothing more than that it does not open. A bit of
        // the signature itself is the signature's business.
        if let Ok(envelope) = Envelope::parse(&changed)
            && bit / 8 < bytes.len() - 64
        {
            assert_eq!(envelope.open(&EPOCH_KEY), Err(MessageError::Undecryptable));
        }
    }
}

#[test]
fn every_truncation_is_a_typed_error() {
    let bytes = seal(&content(kind::TEXT, "hello")).unwrap().to_bytes();
    for length in 0..bytes.len() {
        let error = Envelope::parse(&bytes[..length]).unwrap_err();
        assert_eq!(error, MessageError::Decode(DecodeError::Malformed));
    }
    let oversized = vec![0; limits::ENTRY + 1];
    assert_eq!(Envelope::parse(&oversized).unwrap_err().code(), "too-large");
}

#[test]
fn a_wrong_key_and_a_wrong_commitment_and_a_wrong_tag_are_one_error() {
    let envelope = seal(&content(kind::TEXT, "hello")).unwrap();
    let wrong_key = envelope.open(&Secret::new([8; 32])).unwrap_err();
    let bytes = envelope.to_bytes();
    let ciphertext_end = bytes.len() - 66;
    let ciphertext_start = ciphertext_end - (256 + 16);
    let open_changed_at = |index: usize| {
        let mut changed = bytes.to_vec();
        changed[index] ^= 1;
        Envelope::parse(&changed)
            .unwrap()
            .open(&EPOCH_KEY)
            .unwrap_err()
    };
    let wrong_commitment = open_changed_at(ciphertext_start - 3 - 1);
    let wrong_tag = open_changed_at(ciphertext_end - 1);
    let wrong_text = open_changed_at(ciphertext_start);
    for error in [wrong_key, wrong_commitment, wrong_tag, wrong_text] {
        assert_eq!(error, MessageError::Undecryptable);
        assert_eq!(error.code(), "undecryptable");
        assert_eq!(error.to_string(), "cannot be decrypted");
    }
}

#[test]
fn an_envelope_signed_by_another_device_is_not_believed() {
    let other = SigningKey::from_seed(&Secret::new([99; 32]));
    let envelope = Envelope::seal(SealParams {
        header: header(Suite::XWing),
        epoch_key: &EPOCH_KEY,
        content: &content(kind::TEXT, "hello"),
        signing_key: &other,
    })
    .unwrap();
    assert_eq!(envelope.verify_signature(), Err(MessageError::BadSignature));
    assert_eq!(MessageError::BadSignature.code(), "bad-signature");
}

#[test]
fn the_keys_of_two_envelopes_differ_by_anything_in_the_header() {
    let content = content(kind::TEXT, "hello");
    let first = seal(&content).unwrap();
    let changes: [fn(&mut Header); 6] = [
        |header| header.salt = Salt::new([70; 16]),
        |header| header.sequence += 1,
        |header| header.epoch += 1,
        |header| header.previous = Hash::new([80; 32]),
        |header| header.audience = Audience::Staff,
        |header| header.seen = None,
    ];
    for change in changes {
        let mut changed = header(Suite::XWing);
        change(&mut changed);
        let other = seal_with(changed, &content).unwrap();
        assert_ne!(first.hash(), other.hash());
        let ciphertext = |envelope: &Envelope| {
            let bytes = envelope.to_bytes();
            bytes[bytes.len() - 66 - 272..bytes.len() - 66].to_vec()
        };
        assert_ne!(ciphertext(&first), ciphertext(&other));
    }
}

#[test]
fn a_resend_is_byte_identical() {
    let content = content(kind::TEXT, "hello");
    assert_eq!(
        seal(&content).unwrap().to_bytes(),
        seal(&content).unwrap().to_bytes()
    );
}

#[test]
fn a_senders_chain_begins_with_account_contact_and_device() {
    let header = header(Suite::XWing);
    let first = Envelope::first_previous(&header.account, &header.contact, &header.device);
    let other_contact = ContactId::new([33; 16]);
    assert_ne!(
        first,
        Envelope::first_previous(&header.account, &other_contact, &header.device)
    );
}

#[test]
fn a_receipt_is_read_strictly() {
    for read in [0, 23, 24, u64::MAX] {
        let receipt = Receipt { read };
        assert_eq!(Receipt::from_body(&receipt.to_body()), Ok(receipt));
    }
    assert!(Receipt::from_body(&[]).is_err());
    assert!(Receipt::from_body(&[0x80]).is_err());
    assert!(Receipt::from_body(&[0x81, 0x18, 1]).is_err());
    assert!(Receipt::from_body(&[0x82, 1, 2]).is_err());
    assert!(Receipt::from_body(&[0; 11]).is_err());
}

fn typing(suite: Suite) -> Ephemeral {
    Ephemeral::seal(EphemeralParams {
        header: EphemeralHeader {
            version: Version,
            suite,
            account: AccountId::new([2; 32]),
            contact: ContactId::new([3; 16]),
            epoch: 4,
            transcript: Hash::new([5; 32]),
            device: author().public(),
            salt: Salt::new([7; 16]),
            audience: Audience::All,
        },
        epoch_key: &EPOCH_KEY,
        event: event(1),
        signing_key: &author(),
    })
}

fn event(counter: u64) -> EphemeralEvent {
    EphemeralEvent {
        kind: EphemeralKind::Typing,
        counter,
        time: Time::from_millis(1_700_000_000_000),
    }
}

fn receive_ephemeral(bytes: &[u8]) -> Result<EphemeralEvent, MessageError> {
    let ephemeral = Ephemeral::parse(bytes)?;
    ephemeral.verify_signature()?;
    ephemeral.open(&EPOCH_KEY)
}

#[test]
fn typing_arrives_in_both_suites_and_only_under_its_own_key() {
    for suite in Suite::ALL {
        let bytes = typing(suite).to_bytes();
        assert_eq!(receive_ephemeral(&bytes), Ok(event(1)));
        assert_eq!(
            Ephemeral::parse(&bytes)
                .unwrap()
                .open(&Secret::new([8; 32])),
            Err(MessageError::Undecryptable)
        );
    }
}

#[test]
fn every_flipped_bit_or_truncation_of_an_ephemeral_event_is_a_typed_error() {
    let bytes = typing(Suite::XWing).to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let error = receive_ephemeral(&changed).unwrap_err();
        assert!(
            matches!(error, MessageError::Decode(_) | MessageError::BadSignature),
            "bit {bit}: {error:?}"
        );
    }
    for length in 0..bytes.len() {
        assert!(Ephemeral::parse(&bytes[..length]).is_err());
    }
}

#[test]
fn an_envelope_is_no_ephemeral_event_and_the_reverse() {
    let envelope = seal(&content(kind::TEXT, "hello")).unwrap().to_bytes();
    let ephemeral = typing(Suite::XWing).to_bytes();
    assert!(Ephemeral::parse(&envelope).is_err());
    assert!(Envelope::parse(&ephemeral).is_err());
}

#[test]
fn a_ciphertext_of_a_length_that_padding_never_makes_is_malformed() {
    let header = Bytes::from(encode(&header(Suite::XWing)));
    let signature = author().sign("envelope", &[]);
    for length in [0, 16, 128 + 16, 255 + 16, 257 + 16, 384 + 16] {
        let ciphertext = Bytes::from(vec![0; length]);
        let mut bytes = minicbor::Encoder::new(Vec::new());
        bytes.array(4).unwrap().bytes(&header).unwrap();
        bytes.bytes(&[0; 32]).unwrap().bytes(&ciphertext).unwrap();
        bytes.bytes(signature.as_array()).unwrap();
        let bytes = bytes.into_writer();
        assert_eq!(
            Envelope::parse(&bytes),
            Err(MessageError::Decode(DecodeError::Malformed)),
            "{length}"
        );
    }
}
